"""The simulated BILL's webhooks: subscriptions, notifications, retries, the delivery log."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from deploy.sandbox.jsonio import Json, loads
from tests.integration.sandbox_rig import BillUser, HookReceiver, Rig, body_of, code_of, running_rig

pytestmark = pytest.mark.integration

_ALL = [
    f"{noun}.{verb}" for noun in ("vendor", "bill") for verb in ("created", "updated", "archived", "restored")
]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running_rig() as rig:
        yield rig


@pytest.fixture
def user(rig: Rig) -> Iterator[BillUser]:
    yield rig.organization(settings={"webhook_gap_s": 0.01, "webhook_gap_growth": 1})
    rig.control.clear_faults()


@pytest.fixture
def receiver() -> Iterator[HookReceiver]:
    with HookReceiver() as receiver:
        yield receiver


def _wanted(url: str, types: list[str] = _ALL, **extra: Any) -> Json:
    events = [{"type": name, "version": "1"} for name in types]
    return {"name": "c", "status": {"enabled": True}, "events": events, "notificationUrl": url, **extra}


def _subscribe(user: BillUser, receiver: HookReceiver, types: list[str] = _ALL) -> Json:
    found: Json = body_of(user.events("POST", "/v3/subscriptions", _wanted(receiver.url, types)))
    return found


def _signature(key: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def test_a_notification_is_minified_signed_and_has_no_lines(user: BillUser, receiver: HookReceiver) -> None:
    subscription = _subscribe(user, receiver)
    vendor = user.vendor()
    body, signature = receiver.take()
    assert signature == _signature(subscription["securityKey"], body)
    event = loads(body)
    assert body == body.replace(b": ", b":") and event["vendor"]["name"] == vendor["name"]
    bill = user.bill(vendor, amount="228.99", purchaseOrderNumber="PO-7")
    event = receiver.take_event()
    metadata = event["metadata"]
    assert (metadata["eventType"], metadata["version"]) == ("bill.created", "1")
    assert (metadata["organizationId"], metadata["subscriptionId"]) == (user.id, subscription["id"])
    notice = event["bill"]
    assert (notice["id"], notice["amount"]) == (bill["id"], Decimal("228.99"))
    assert notice["invoice"]["invoiceDate"] == "2026-10-31T00:00:00.000Z"
    assert not {"billLineItems", "approvalStatus", "approvers"} & set(notice)


def test_only_the_documented_changes_tell(user: BillUser, receiver: HookReceiver) -> None:
    vendor, other = user.vendor(0), user.vendor(1)
    bill = user.bill(vendor)
    _subscribe(user, receiver)
    control, key = user.control, bill["id"]
    line = bill["billLineItems"][0]
    control.change_bill(user.id, key, dueDate="2027-01-01", description="x")
    control.change_bill(
        user.id, key, billLineItems=[{"id": line["id"], "classifications": {"departmentId": "0deX"}}]
    )
    control.approve_bill(user.id, key)
    control.pay_bill(user.id, key)
    control.change_vendor(user.id, vendor["id"], phone="1", email="a@example.com")
    control.change_bill(user.id, key, vendorId=other["id"])
    control.change_bill(user.id, key, invoice={"invoiceNumber": "F-9"})
    control.change_bill(user.id, key, invoice={"invoiceDate": "2026-10-30"})
    control.change_bill(user.id, key, billLineItems=[{"id": line["id"], "amount": 1}])
    control.archive_bill(user.id, key)
    control.restore_bill(user.id, key)
    control.change_vendor(user.id, vendor["id"], name="Nytt namn AB")
    control.wait("webhooks", 7, organization=user.id, status=200)
    types = [item["type"] for item in control.webhooks(organization=user.id)]
    assert sorted(types) == ["bill.archived", "bill.restored", *["bill.updated"] * 4, "vendor.updated"]


def test_the_key_is_shown_once_and_an_old_one_stops_at_once(user: BillUser, receiver: HookReceiver) -> None:
    subscription = _subscribe(user, receiver)
    path = f"/v3/subscriptions/{subscription['id']}"
    assert "securityKey" not in user.events("GET", path).json()
    assert all("securityKey" not in row for row in user.events("GET", "/v3/subscriptions").json()["results"])
    for spelling in ("security_key", "security-key"):
        key = user.events("POST", f"{path}/{spelling}").json()["securityKey"]
        assert key != subscription["securityKey"]
        user.vendor()
        body, signature = receiver.take()
        assert signature == _signature(key, body)


def test_creating_needs_an_idempotency_key_and_replays_for_a_day(
    user: BillUser, receiver: HookReceiver
) -> None:
    wanted, url = _wanted(receiver.url), user.at.events_url
    for key in ("", "7", str(uuid.uuid1())):
        response = user.call("POST", "/v3/subscriptions", wanted, base=url, headers={"X-Idempotent-Key": key})
        assert response.status_code == 400
    headers = {"X-Idempotent-Key": str(uuid.uuid4())}
    first = user.call("POST", "/v3/subscriptions", wanted, base=url, headers=headers)
    again = user.call("POST", "/v3/subscriptions", wanted, base=url, headers=headers)
    assert first.status_code == 200 and again.json() == first.json()
    user.control.advance_clock(24 * 3600 + 1)
    assert user.call("POST", "/v3/subscriptions", wanted, base=url, headers=headers).status_code == 422
    user.control.reset_clock()


@pytest.mark.parametrize(
    "changed",
    [
        {"events": []},
        {"events": [{"type": "bill.created", "version": "1.0"}]},
        {"events": [{"type": "bill.approved", "version": "1"}]},
        {"notificationUrl": "http://connector.example.com/hooks"},
        {"notificationUrl": "ftp://127.0.0.1/hooks"},
        {"status": True},
        {"name": None},
    ],
)
def test_bad_subscriptions_are_refused(user: BillUser, changed: Json) -> None:
    wanted = {**_wanted("https://connector.example.com/hooks"), **changed}
    assert user.events("POST", "/v3/subscriptions", wanted).status_code == 400


def test_same_events_to_the_same_address_and_an_eleventh_are_refused(user: BillUser) -> None:
    wanted = _wanted("https://connector.example.com/0")
    assert user.events("POST", "/v3/subscriptions", wanted).status_code == 200
    assert user.events("POST", "/v3/subscriptions", wanted).status_code == 422
    for place in range(1, 10):
        wanted = _wanted(f"https://connector.example.com/{place}")
        assert user.events("POST", "/v3/subscriptions", wanted).status_code == 200
    eleventh = _wanted("https://connector.example.com/10")
    assert user.events("POST", "/v3/subscriptions", eleventh).status_code == 422
    page = user.events("GET", "/v3/subscriptions", max=6).json()
    rest = user.events("GET", "/v3/subscriptions", max=6, page=page["nextPage"]).json()
    assert (len(page["results"]), len(rest["results"]), "nextPage" in rest) == (6, 4, False)


def test_subscriptions_are_changed_and_deleted(user: BillUser, receiver: HookReceiver) -> None:
    subscription = _subscribe(user, receiver, ["vendor.created"])
    path = f"/v3/subscriptions/{subscription['id']}"
    patched = user.events("PATCH", path, {"name": "ny", "status": {"enabled": False}}).json()
    assert (patched["name"], patched["status"]) == ("ny", {"enabled": False})
    put = user.events("PUT", path, _wanted(receiver.url, ["bill.created"])).json()
    assert [event["type"] for event in put["events"]] == ["bill.created"]
    assert {"type": "bill.created", "versions": ["1"]} in user.events("GET", "/v3/events/catalog").json()
    assert user.events("DELETE", path).status_code == 200
    assert code_of(user.events("GET", path)) == (404, "BDC_1205")


def test_a_token_may_be_kept_from_managing_webhooks(user: BillUser) -> None:
    user.control.organization_settings(user.id, token_may_manage_webhooks=False)
    assert user.events("GET", "/v3/subscriptions").status_code == 403
    user.log_in("anna", "anna")
    assert user.events("GET", "/v3/subscriptions").status_code == 200


def test_only_200_counts_and_failures_are_retried(user: BillUser, receiver: HookReceiver) -> None:
    _subscribe(user, receiver)
    for status in (202, 204, 500):
        receiver.statuses.put(status)
    user.vendor()
    events = [receiver.take_event() for _ in range(4)]
    assert len({event["metadata"]["eventId"] for event in events}) == 1
    user.control.wait("webhooks", 4, organization=user.id)
    assert [item["status"] for item in user.control.webhooks(organization=user.id)] == [202, 204, 500, 200]


def test_a_subscription_that_keeps_failing_is_disabled_until_enabled(
    user: BillUser, receiver: HookReceiver
) -> None:
    subscription = _subscribe(user, receiver)
    for _ in range(6):
        receiver.statuses.put(503)
    user.vendor(0)
    user.control.wait("disabled", 1, organization=user.id)
    assert len(user.control.webhooks(organization=user.id)) == 6
    missed = user.vendor(1)
    path = f"/v3/subscriptions/{subscription['id']}"
    assert user.events("PATCH", path, {"status": {"enabled": True}}).json()["status"]["enabled"] is True
    heard = user.vendor(2)
    while (event := receiver.take_event())["vendor"]["id"] != heard["id"]:
        assert event["vendor"]["id"] != missed["id"]


def test_the_delivery_log_finds_and_resends_what_was_lost(user: BillUser, receiver: HookReceiver) -> None:
    subscription = _subscribe(user, receiver)
    user.control.add_fault("drop_hook", tenant=user.id, route="vendor.created")
    lost, heard = user.vendor(0), user.vendor(1)
    assert receiver.take_event()["vendor"]["id"] == heard["id"]
    user.control.wait("webhooks", 1, organization=user.id, status=200)
    path = f"/v3/events/subscription/{subscription['id']}"
    rows = user.events("GET", path, max=1).json()
    rows = rows["results"] + user.events("GET", path, max=1, page=rows["nextPage"]).json()["results"]
    assert [row.get("statusCode") for row in rows] == [None, 200]
    (row,) = user.events("GET", path, entityId=lost["id"]).json()["results"]
    assert loads(row["payload"])["vendor"]["id"] == lost["id"]
    assert user.events("GET", path, createdTimeFrom="2100-01-01").json()["results"] == []
    assert user.events("POST", f"{path}/event/{row['id']}").status_code == 200
    assert receiver.take_event()["metadata"]["eventId"] == row["id"]


def test_a_test_notification_is_sent_on_request(user: BillUser, receiver: HookReceiver) -> None:
    subscription = _subscribe(user, receiver)
    wanted = {"eventType": "bill.created", "version": "1", "bill": {"id": "test-bill-id", "amount": 100}}
    dto = user.events("POST", f"/v3/subscriptions/{subscription['id']}/test", wanted).json()
    assert receiver.take_event()["bill"] == {"id": "test-bill-id", "amount": 100}
    assert dto["subscriptionId"] == subscription["id"]


def test_notifications_are_repeated_reordered_delayed_and_disabled(
    user: BillUser, receiver: HookReceiver
) -> None:
    _subscribe(user, receiver)
    user.control.add_fault("repeat_hook", tenant=user.id, copies=3)
    user.vendor(0)
    assert len({receiver.take()[0] for _ in range(3)}) == 1
    user.control.add_fault("reorder_hooks", tenant=user.id, count=3, times=3)
    ids = [user.vendor(place)["id"] for place in range(3)]
    assert [receiver.take_event()["vendor"]["id"] for _ in ids] == ids[::-1]
    user.control.add_fault("delay_hook", tenant=user.id, seconds=0.3)
    late, soon = user.vendor(1), user.vendor(2)
    assert [receiver.take_event()["vendor"]["id"] for _ in range(2)] == [soon["id"], late["id"]]
    user.control.add_fault("disable_hook", tenant=user.id)
    user.vendor(3)
    assert user.control.wait("disabled", 1, organization=user.id) == 1
    assert receiver.empty()


@pytest.mark.parametrize("form", ["escaped", "escaped_inner", "spaced"])
def test_notifications_come_in_other_forms(user: BillUser, receiver: HookReceiver, form: str) -> None:
    key = _subscribe(user, receiver)["securityKey"]
    user.control.add_fault("shape_hook", tenant=user.id, form=form)
    vendor = user.vendor()
    body, signature = receiver.take()
    value = loads(body)
    inner = loads(value) if isinstance(value, str) else value
    assert isinstance(value, str) is form.startswith("escaped")
    assert inner["vendor"]["id"] == vendor["id"]
    assert (signature == _signature(key, body)) is (form == "escaped")
