from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bill.events import HANDLED_EVENT_TYPES, BillEvent, is_handled, parse_event, parse_notification

pytestmark = pytest.mark.unit

ENTITY = {"id": "00901FJORD0000000003", "name": "Nørre Æble", "updatedTime": "2026-11-03T09:30:00.250+00:00"}


def body(event_type: str = "vendor.updated", entity_key: str = "vendor", **entity: Any) -> bytes:
    metadata = {"eventId": "5b1a-0001", "organizationId": "00801FJORD0000000001", "eventType": event_type}
    return json.dumps({"metadata": metadata, entity_key: {**ENTITY, **entity}}).encode()


def test_a_notification_becomes_an_event() -> None:
    assert parse_event(body()) == BillEvent(
        event_id="5b1a-0001",
        event_type="vendor.updated",
        kind="vendor",
        bill_id="00901FJORD0000000003",
        organization_id="00801FJORD0000000001",
        updated_at=datetime(2026, 11, 3, 9, 30, 0, 250_000, tzinfo=UTC),
        entity=ENTITY,
    )


@pytest.mark.parametrize(
    ("event_type", "entity_key", "kind"),
    [
        ("bill.created", "bill", "bill"),
        ("vendor.created", "bill", "bill"),  # BILL's own samples name the wrong type
        ("bill.archived", "vendor", "vendor"),
    ],
)
def test_the_kind_is_that_of_the_entity_present(event_type: str, entity_key: str, kind: str) -> None:
    assert parse_event(body(event_type, entity_key)).kind == kind


def test_a_json_string_holding_json_is_unwrapped_once() -> None:
    wrapped = json.dumps(body().decode()).encode()
    assert parse_event(wrapped) == parse_event(body())
    with pytest.raises(ValueError, match="not a JSON object"):
        parse_event(json.dumps(wrapped.decode()).encode())


def test_vendor_and_bill_events_are_handled_and_no_others() -> None:
    assert len(HANDLED_EVENT_TYPES) == 8
    assert all(is_handled(event_type) for event_type in HANDLED_EVENT_TYPES)
    assert not any(map(is_handled, ["", "bill", "bill.deleted", "payment.updated", "invoice.created"]))


def test_an_event_of_another_type_is_a_notification_all_the_same() -> None:
    other = body("payment.updated", "payment")
    assert parse_notification(other).event_type == "payment.updated"
    with pytest.raises(ValueError, match="not handled"):
        parse_event(other)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-03T09:30:00.250+00:00", datetime(2026, 11, 3, 9, 30, 0, 250_000, tzinfo=UTC)),
        ("2026-11-03T09:30:00Z", datetime(2026, 11, 3, 9, 30, tzinfo=UTC)),
        ("2026-11-03T10:30:00+01:00", datetime(2026, 11, 3, 9, 30, tzinfo=UTC)),
        ("2026-11-03T09:30:00", datetime(2026, 11, 3, 9, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1793698200, None),
        ({}, None),
    ],
)
def test_updated_time_is_read_in_utc_or_left_out(text: Any, moment: datetime | None) -> None:
    assert parse_event(body(updatedTime=text)).updated_at == moment


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a":\xff}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":1e99999999999999999999}', "not JSON"),
        (b'{"a":' + b"9" * 10_000 + b"}", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "metadata"),
        (b'{"metadata":[]}', "metadata"),
        (b'{"metadata":{}}', "eventId"),
        (body("vendor updated"), "eventType"),
        (body(id=None), "id is missing"),
        (body(id="a" * 65), "id is missing"),
        (body(id="../x"), "id is missing"),
        (body(id="00901\n"), "id is missing"),
        (body(entity_key="payment"), "exactly one"),
        (body()[:-1] + b',"bill":{"id":"1"}}', "exactly one"),
    ],
)
def test_what_bill_would_not_send_is_refused_with_a_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_event(raw)


def test_a_reason_quotes_nothing_of_the_body() -> None:
    with pytest.raises(ValueError, match="form") as caught:
        parse_event(body(id="secret token"))
    assert "secret" not in str(caught.value)


@given(st.binary() | st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()))
def test_nothing_but_value_error_comes_of_any_bytes(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_event(raw)
