"""The simulated BILL's limits and the accidents a rule can cause there."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.integration.sandbox_rig import BillUser, Rig, code_of, running_rig

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running_rig() as rig:
        yield rig


@pytest.fixture
def user(rig: Rig) -> Iterator[BillUser]:
    rig.control.reset_calls()
    yield rig.organization()
    rig.control.clear_faults()
    rig.control.reset_clock()


def _get_at_once(user: BillUser, count: int) -> list[requests.Response]:
    headers = {"sessionId": user.session, "devKey": user.dev_key}
    url = user.at.bill_url + "/v3/vendors"
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: requests.get(url, headers=headers, timeout=20), range(count)))


def test_more_than_three_requests_at_once_are_refused(user: BillUser) -> None:
    user.control.add_fault("latency", tenant=user.id, seconds=0.5, times=None)
    answers = _get_at_once(user, 5)
    refused = [answer for answer in answers if answer.status_code != 200]
    assert [code_of(answer) for answer in refused] == [(422, "BDC_1322")] * 2
    assert "Retry-After" not in refused[0].headers
    calls = user.control.calls()
    assert calls["most_at_once"][f"bill:{user.id}"] >= 4
    assert [item["limit"] for item in calls["violations"]] == ["concurrency"] * 2


def test_three_at_once_and_other_organizations_are_not_refused(rig: Rig, user: BillUser) -> None:
    other = rig.organization()
    rig.control.add_fault("latency", system="bill", method="GET", seconds=0.2, times=None)
    with ThreadPoolExecutor(2) as pool:
        answers = [
            answer for found in pool.map(lambda who: _get_at_once(who, 3), (user, other)) for answer in found
        ]
    assert [answer.status_code for answer in answers] == [200] * 6


@pytest.mark.parametrize("status", [422, 429, 503])
def test_the_hourly_limit_counts_per_developer_key_and_ends_with_the_hour(
    user: BillUser, status: int
) -> None:
    user.control.organization_settings(user.id, calls_per_hour=3, limit_status=status)
    assert [user.call("GET", "/v3/users").status_code for _ in range(3)] == [200, 200, status]
    assert code_of(user.call("GET", "/v3/users")) == (status, "BDC_1144")
    user.control.advance_clock(3600)
    user.log_in()
    assert user.call("GET", "/v3/users").status_code == 200


def test_logins_have_an_hourly_limit_of_their_own(user: BillUser) -> None:
    user.control.organization_settings(user.id, logins_per_hour=2)
    assert user.log_in().status_code == 200
    assert code_of(user.log_in()) == (422, "BDC_1144")
    assert user.call("GET", "/v3/users").status_code == 200
    assert user.control.calls()["violations"][-1]["limit"] == "logins"


@pytest.mark.parametrize(
    ("shape", "start"),
    [
        ("array", '[{"timestamp"'),
        ("object", '{"timestamp"'),
        ("text", "Bad gateway"),
        ("html", "<html>"),
        ("no_code", '[{"message"'),
        ("empty", ""),
    ],
)
def test_a_status_comes_in_any_shape_before_the_effect(user: BillUser, shape: str, start: str) -> None:
    message = "Bad gateway"
    user.control.add_fault("status", tenant=user.id, method="PATCH", status=502, shape=shape, message=message)
    vendor = user.vendor()
    path = f"/v3/vendors/{vendor['id']}"
    response = user.call("PATCH", path, {"name": "Ny"})
    assert response.status_code == 502 and response.text.startswith(start)
    assert user.call("GET", path).json()["name"] == vendor["name"]
    assert user.call("PATCH", path, {"name": "Ny"}).status_code == 200


def test_a_status_after_the_effect_hides_that_it_happened(user: BillUser) -> None:
    user.control.add_fault("status", tenant=user.id, method="PATCH", status=500, when="after")
    path = f"/v3/vendors/{user.vendor()['id']}"
    assert code_of(user.call("PATCH", path, {"name": "Ny"})) == (500, "BDC_1001")
    assert user.call("GET", path).json()["name"] == "Ny"


def test_throttling_comes_with_or_without_a_time(user: BillUser) -> None:
    user.control.add_fault("status", tenant=user.id, status=429, code="BDC_1144", retry_after=7)
    user.control.add_fault("status", tenant=user.id, status=429, code="BDC_1322")
    told, untold = (user.call("GET", "/v3/users") for _ in range(2))
    assert told.headers["Retry-After"] == "7" and code_of(told) == (429, "BDC_1144")
    assert "Retry-After" not in untold.headers and code_of(untold) == (429, "BDC_1322")


def test_a_session_can_end_at_any_call(user: BillUser) -> None:
    user.control.add_fault("expire", tenant=user.id, route="/v3/users", skip=1)
    assert [user.call("GET", "/v3/users").status_code for _ in range(2)] == [200, 401]
    user.log_in()
    assert user.call("GET", "/v3/users").status_code == 200


def test_pages_can_be_empty_and_page_tokens_can_end(user: BillUser) -> None:
    for place in range(3):
        user.vendor(place)
    user.control.add_fault("empty_page", tenant=user.id)
    empty = user.call("GET", "/v3/vendors", max=1).json()
    assert empty["results"] == [] and empty["nextPage"]
    first = user.call("GET", "/v3/vendors", max=1, page=empty["nextPage"]).json()
    assert len(first["results"]) == 1
    user.control.add_fault("expire_cursor", tenant=user.id, route="/vendors")
    assert code_of(user.call("GET", "/v3/vendors", page=first["nextPage"])) == (400, "BDC_1129")
    assert user.call("GET", "/v3/vendors", page=first["nextPage"]).status_code == 200


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_drops_before_or_after_the_effect(user: BillUser, when: str) -> None:
    path = f"/v3/vendors/{user.vendor()['id']}"
    user.control.add_fault("drop", tenant=user.id, method="PATCH", when=when)
    with pytest.raises(requests.ConnectionError):
        user.call("PATCH", path, {"name": "Ny"})
    assert (user.call("GET", path).json()["name"] == "Ny") is (when == "after")
    assert user.control.count_calls(tenant=user.id, method="PATCH", status=0) == 1


def test_a_body_is_cut_off_or_drips(user: BillUser) -> None:
    user.control.add_fault("truncate", tenant=user.id, keep_bytes=10)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        user.call("GET", "/v3/users")
    user.control.add_fault("drip", tenant=user.id, chunk_bytes=64, gap_s=0.01)
    assert len(user.call("GET", "/v3/users").json()["results"]) == 2


def test_calls_are_counted_by_organization_route_and_status(user: BillUser) -> None:
    user.call("GET", "/v3/bills/00nX")
    user.call("GET", "/v3/bills/00nY")
    route = "/bill/connect/v3/bills/{id}"
    assert user.control.count_calls(tenant=user.id, method="GET", route=route, status=404) == 2
    assert user.control.wait("calls", 2, tenant=user.id, status=404) == 2
    assert user.control.recent_calls()[-1]["path"].endswith("/00nY")
    user.control.reset_calls()
    assert user.control.calls()["total"] == 0
