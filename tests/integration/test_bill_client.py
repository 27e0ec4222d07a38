"""BILL's client against the simulated BILL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from shared.bill.answers import CursorExpired, SessionExpired
from shared.bill.events import HANDLED_EVENT_TYPES, parse_event
from shared.bill.subscriptions import Subscriptions
from shared.errors import (
    ConnectorError,
    CredentialsRefused,
    NoPlace,
    NotFound,
    OutcomeUnknown,
    Permanent,
    Unavailable,
)
from shared.tenants import LimitsConfig
from tests.integration.upstreams import BillSide

pytestmark = pytest.mark.integration

LOGIN = "/v3/login"
HOOK = "https://connector.example/webhooks/bill/acme"


def test_reads_a_vendor_and_a_bill(bill_side: BillSide) -> None:
    client = bill_side.client()
    vendor = client.fetch_vendor(bill_side.vendors[0])
    assert (vendor.name, vendor.address.country, vendor.whole) == ("Åsa Bröd AB", "SE", True)
    bill = client.fetch_bill(bill_side.bills[0])
    assert (bill.amount, bill.invoice_number, bill.approval_status) == (Decimal(100), "F-1", "APPROVED")
    row = client.fetch("bill", bill.id)
    assert (row.id, row.updated_at, row.body["vendorId"]) == (bill.id, bill.updated_at, vendor.id)
    assert bill_side.observed.count(LOGIN) == 1
    assert ("/v3/bills/{id}", "200") in bill_side.observed.calls


def test_unknown_id(bill_side: BillSide) -> None:
    with pytest.raises(NotFound):
        bill_side.client().fetch("vendor", "009unknown")
    with pytest.raises(ValueError, match="not an id"):
        bill_side.client().fetch("vendor", "../bills")


def add_vendors(side: BillSide, count: int) -> list[str]:
    body = {"address": {"line1": "A", "city": "B", "zipOrPostalCode": "1", "country": "SE"}}
    return [side.control("POST", "/vendors", body | {"name": f"V{n}"})["id"] for n in range(count)]


def test_lists_page_by_page_oldest_first(bill_side: BillSide) -> None:
    known = bill_side.vendors + add_vendors(bill_side, 130)
    client = bill_side.client()
    first = client.list_page("vendor")
    assert len(first.results) == 100
    assert first.next_page is not None
    second = client.list_page("vendor", cursor=first.next_page)
    assert second.next_page is None
    assert [row.id for row in first.results + second.results] == known
    since = first.results[99].updated_at
    assert since is not None
    later = client.list_page("vendor", since=since)
    assert [row.id for row in later.results] == known[99:], "since is inclusive"
    assert client.list_page("vendor", since=since + timedelta(days=1)).results == ()
    some = client.list_page("vendor", ids=known[5:8])
    assert [row.id for row in some.results] == known[5:8]
    assert client.list_page("bill", ids=bill_side.bills, since=since - timedelta(days=1)).results


def test_a_dead_cursor_starts_the_walk_anew(bill_side: BillSide) -> None:
    with pytest.raises(CursorExpired):
        bill_side.client().list_page("vendor", cursor="rubbish")


def test_classifications_of_all_pages(bill_side: BillSide) -> None:
    client = bill_side.client()
    departments = client.fetch_classifications("departments")
    assert len({entry.id for entry in departments}) == 130
    assert departments[7].short_name == "7"
    assert [entry.number for entry in client.fetch_classifications("chart-of-accounts")] == ["6110"]


def test_slots_share_one_login_and_workers_do_not(bill_side: BillSide) -> None:
    limits = LimitsConfig(bill_concurrency=3)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: bill_side.client(limits=limits).check_session(), range(12)))
    assert bill_side.observed.count(LOGIN) == 1
    assert {status for _, status in bill_side.observed.calls} == {"200"}, "never more than BILL allows"
    bill_side.client("w2").check_session()
    assert bill_side.observed.count(LOGIN) == 2


def test_an_expired_session_costs_one_login(bill_side: BillSide) -> None:
    client = bill_side.client()
    client.check_session()
    assert bill_side.control("POST", "/expire-sessions")["ended"] == 1
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: client.fetch_bill(bill_side.bills[0]), range(3)))
    assert bill_side.observed.count(LOGIN) == 2


def test_a_second_401_is_tried_again_later(bill_side: BillSide) -> None:
    bill_side.upstreams.spoil("/v3/login/session", {"kind": "status", "status": 401}, times=None)
    with pytest.raises(SessionExpired):
        bill_side.client().check_session()
    assert bill_side.observed.count(LOGIN) == 2
    assert bill_side.observed.count("/v3/login/session") == 2


def test_an_untrusted_session_never_logs_in_again(bill_side: BillSide) -> None:
    bill_side.upstreams.spoil("/v3/bills", {"kind": "status", "status": 403})
    with pytest.raises(Permanent, match="second factor"):
        bill_side.client().fetch_bill(bill_side.bills[0])
    assert bill_side.observed.count(LOGIN) == 1


@pytest.mark.parametrize(
    ("password", "dev_key", "says"),
    [("wrong", None, "user name or password"), (None, "wrong", "developer key")],
)
def test_refused_logins(bill_side: BillSide, password: str | None, dev_key: str | None, says: str) -> None:
    given = bill_side.credentials
    bill_side.credentials = replace(
        given, password=password or given.password, dev_key=dev_key or given.dev_key
    )
    with pytest.raises(CredentialsRefused, match=says) as caught:
        bill_side.client().check_session()
    assert caught.value.system == "bill"
    assert "sekrit" not in str(caught.value)
    assert bill_side.observed.count(LOGIN) == 1


def test_new_credentials_do_not_use_the_old_session(bill_side: BillSide) -> None:
    bill_side.client().check_session()
    bill_side.credentials = replace(bill_side.credentials, password="wrong")
    with pytest.raises(CredentialsRefused):
        bill_side.client().check_session()


def test_spent_logins_borrow_a_siblings_session(bill_side: BillSide) -> None:
    bill_side.client("w1", logins_per_hour=1).check_session()
    bill_side.client("w2", logins_per_hour=1).check_session()
    assert bill_side.observed.count(LOGIN) == 1
    bill_side.control("POST", "/expire-sessions")
    with pytest.raises(NoPlace):
        bill_side.client("w2", logins_per_hour=1).check_session()


def test_log_out_ends_the_session_and_logs_in_for_nothing(bill_side: BillSide) -> None:
    client = bill_side.client()
    client.log_out()
    assert bill_side.observed.calls == []
    client.check_session()
    client.log_out()
    org = bill_side.config.organization_id
    assert bill_side.upstreams.control("GET", f"/state/organizations/{org}/sessions") == []
    client.check_session()
    assert bill_side.observed.count(LOGIN) == 2


@pytest.mark.parametrize("status", [422, 429, 400, 503])
def test_limits_are_told_apart_by_code(bill_side: BillSide, status: int) -> None:
    told = {"kind": "status", "status": status, "code": "BDC_1322", "retry_after": 7}
    bill_side.upstreams.spoil("/v3/vendors", told)
    bill_side.upstreams.spoil("/v3/vendors", {"kind": "status", "status": status, "code": "BDC_1144"})
    waits: list[float] = []
    for _ in range(3):
        with pytest.raises(NoPlace) as caught:
            bill_side.client().list_page("vendor")
        waits.append(caught.value.retry_after_s or 0)
    assert waits[0] == 7, "only this call found too many at once"
    assert 0 < waits[2] <= waits[1] <= 3600
    assert bill_side.observed.count("/v3/vendors") == 2, "the hour is spent: nobody with this key calls"


@pytest.mark.parametrize(
    ("action", "error"),
    [
        ({"kind": "status", "status": 500}, Unavailable),
        ({"kind": "status", "status": 502, "shape": "html"}, Unavailable),
        ({"kind": "status", "status": 423, "code": "BDC_1107"}, CredentialsRefused),
        ({"kind": "status", "status": 400, "code": "BDC_1130"}, Permanent),
        ({"kind": "drop", "when": "after"}, Unavailable),
        ({"kind": "truncate", "keep_bytes": 20}, Unavailable),
    ],
)
def test_faults_of_a_read(bill_side: BillSide, action: dict[str, Any], error: type[ConnectorError]) -> None:
    bill_side.upstreams.spoil("/v3/vendors", action)
    with pytest.raises(error) as caught:
        bill_side.client().fetch("vendor", bill_side.vendors[0])
    assert type(caught.value) is error
    assert bill_side.client().fetch("vendor", bill_side.vendors[0]).id == bill_side.vendors[0]


def test_an_empty_page_is_not_the_end(bill_side: BillSide) -> None:
    bill_side.upstreams.spoil("/v3/vendors", {"kind": "empty_page"})
    page = bill_side.client().list_page("vendor")
    assert (page.results, page.unusable) == ((), ())
    assert page.next_page is not None
    assert len(bill_side.client().list_page("vendor", cursor=page.next_page).results) == 2


def test_own_budget_ends_before_bills(bill_side: BillSide) -> None:
    client = bill_side.client(limits=LimitsConfig(bill_calls_per_hour=2))
    client.check_session()  # a log-in is a call too
    with pytest.raises(NoPlace) as caught:
        client.check_session()
    assert not caught.value.counts


def test_subscriptions(bill_side: BillSide) -> None:
    subscriptions = Subscriptions(bill_side.client())
    assert subscriptions.find_by_url(HOOK) is None
    key = uuid4()
    given: dict[str, Any] = {"name": "c", "notification_url": HOOK, "event_types": HANDLED_EVENT_TYPES}
    created = subscriptions.create(**given, idempotency_key=key)
    again = subscriptions.create(**given, idempotency_key=key)
    assert again.subscription.id == created.subscription.id
    assert again.security_key.reveal() == created.security_key.reveal() != ""
    assert created.security_key.reveal() not in repr(created)
    found = subscriptions.find_by_url(HOOK)
    assert found is not None
    assert (found.enabled, set(found.event_types)) == (True, set(HANDLED_EVENT_TYPES))
    rotated = subscriptions.rotate_key(found.id, idempotency_key=uuid4())
    assert rotated.reveal() != created.security_key.reveal()
    subscriptions.set_enabled(found.id, False)
    assert not subscriptions.fetch(found.id).enabled
    with pytest.raises(NotFound):
        subscriptions.fetch("unknown")


def test_a_lost_subscription_is_asked_for_again(bill_side: BillSide) -> None:
    subscriptions, key = Subscriptions(bill_side.client()), uuid4()
    given: dict[str, Any] = {"name": "c", "notification_url": HOOK, "event_types": ["bill.created"]}
    bill_side.upstreams.spoil("/v3/subscriptions", {"kind": "drop", "when": "after"})
    with pytest.raises(OutcomeUnknown):
        subscriptions.create(**given, idempotency_key=key)
    assert subscriptions.create(**given, idempotency_key=key).security_key.reveal()
    assert len(subscriptions.fetch_all()) == 1


def test_the_delivery_log_recovers_what_was_missed(bill_side: BillSide) -> None:
    subscriptions = Subscriptions(bill_side.client())
    nobody = "http://127.0.0.1:1/webhooks/bill/acme"
    bill_side.control("PATCH", "/settings", {"webhook_retries": 0})
    created = subscriptions.create(
        name="c", notification_url=nobody, event_types=["vendor.updated"], idempotency_key=uuid4()
    )
    subscription_id = created.subscription.id
    bill_side.control("PATCH", f"/vendors/{bill_side.vendors[0]}", {"name": "Nytt namn AB"})
    query = f"/wait?what=disabled&organization={bill_side.config.organization_id}"
    assert bill_side.upstreams.control("GET", query)["reached"]
    page = subscriptions.list_events(subscription_id)
    assert (len(page.results), page.next_page, page.unusable) == (1, None, ())
    logged = page.results[0]
    event = parse_event(logged.payload.encode())
    assert (event.event_id, event.bill_id) == (logged.id, bill_side.vendors[0])
    assert (logged.type, logged.payload in repr(logged)) == ("vendor.updated", False)
    assert logged.created_at is not None
    later = logged.created_at + timedelta(seconds=1)
    assert subscriptions.list_events(subscription_id, created_from=later).results == ()
    assert subscriptions.list_events(subscription_id, created_to=later).results == page.results
    subscriptions.set_enabled(subscription_id, True)
    subscriptions.resend(subscription_id, logged.id)
