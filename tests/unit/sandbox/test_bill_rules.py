"""BILL's error bodies, signatures, notification forms, lines and approval policies."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from deploy.sandbox.bill.bill_lines import patched_lines, replaced_lines, total_of
from deploy.sandbox.bill.errors import Refusal, bad_parameter, missing, refusal_reply
from deploy.sandbox.bill.hooks import written
from deploy.sandbox.bill.models import Organization
from deploy.sandbox.bill.policies import approvers_for
from deploy.sandbox.bill.signature import sign
from deploy.sandbox.jsonio import Json, loads
from deploy.sandbox.world import World

pytestmark = pytest.mark.unit

_AT = datetime(2026, 8, 13, 9, 15, 42, 871000, tzinfo=UTC)


def test_an_error_is_an_array_of_one_item_with_code_and_time() -> None:
    reply = refusal_reply(Refusal(401, "BDC_1109"), "array", _AT)
    assert reply.status == 401
    assert loads(reply.data()) == [
        {
            "timestamp": "2026-08-13T09:15:42.871+00:00",
            "code": "BDC_1109",
            "severity": "ERROR",
            "category": "REQUEST",
            "message": "Session is invalid. Please log in.",
            "params": {},
        }
    ]


@pytest.mark.parametrize(
    ("shape", "content_type", "start"),
    [
        ("object", "application/json", '{"timestamp"'),
        ("text", "text/plain", "Object not found."),
        ("html", "text/html", "<html>"),
        ("no_code", "application/json", '[{"message":"Object not found.","severity":"ERROR"}]'),
        ("empty", "application/json", ""),
    ],
)
def test_errors_come_in_the_other_shapes_seen_live(shape: str, content_type: str, start: str) -> None:
    reply = refusal_reply(Refusal(404, "BDC_1205"), shape, _AT)
    assert reply.content_type == content_type
    assert reply.data().decode().startswith(start)


def test_validation_has_no_code_and_bad_parameters_an_uninterpolated_message() -> None:
    assert loads(refusal_reply(missing("address"), "array", _AT).data()) == [
        {"message": "address: must not be null", "severity": "ERROR"}
    ]
    (item,) = loads(refusal_reply(bad_parameter("max"), "array", _AT).data())
    assert item["message"] == "Invalid value for parameter ${paramName0}."
    assert item["params"] == [{"name": "paramName0", "value": "max", "additional": {}}]


@pytest.mark.parametrize(
    ("key", "body", "signature"),
    [
        # computed with: printf '%s' BODY | openssl dgst -sha256 -hmac KEY -binary | base64
        ("c2VjcmV0LWtleQ==", '{"a":1}', "XhFQxIp6+Kfpcvf87oMfgTSEiJt9+mQjtC+bC3pGwFE="),
        ("nyckel-åäö", '{"namn":"Åmål"}', "Mb3zaVp25hQaXkirfUP94UUV6slPf8G50fRK/i/UB/k="),
    ],
)
def test_signatures_agree_with_openssl(key: str, body: str, signature: str) -> None:
    assert sign(key, body.encode()) == signature


@pytest.mark.parametrize("form", ["minified", "escaped", "escaped_inner", "spaced"])
def test_every_form_of_a_notification_holds_the_same_event(form: str) -> None:
    payload = '{"metadata":{"eventId":"e-1"},"bill":{"amount":228.99,"description":"Å \\" x"}}'
    sent, signed = written(payload, form)
    value = json.loads(sent)
    value = json.loads(value) if isinstance(value, str) else value
    assert value == json.loads(payload)
    assert signed == (sent if form in ("minified", "escaped") else payload.encode())


def _lines() -> list[Json]:
    return [
        {"id": "bli1", "amount": Decimal("149.0"), "description": "one"},
        {"id": "bli2", "amount": Decimal("79.99"), "quantity": Decimal("1.0"), "price": Decimal("79.99")},
    ]


def test_patch_changes_lines_by_id_and_leaves_the_others() -> None:
    lines = patched_lines(World().bill, [{"id": "bli1", "amount": 179}, {"amount": 5}], _lines())
    assert [line["id"] for line in lines[:2]] == ["bli1", "bli2"]
    assert lines[0] == {"id": "bli1", "amount": Decimal("179.0"), "description": "one"}
    assert len(lines) == 3
    assert total_of(lines) == Decimal("263.99")


def test_put_removes_lines_left_out_and_gives_new_ones_ids() -> None:
    lines = replaced_lines(World().bill, [{"amount": 1}, {"id": "bli1", "amount": 2}], _lines())
    assert [line["amount"] for line in lines] == [Decimal("1.0"), Decimal("2.0")]
    assert lines[0]["id"].startswith("bli") and lines[1]["id"] == "bli1"
    assert "description" not in lines[1]


@pytest.mark.parametrize(
    ("item", "amount"),
    [
        ({"id": "bli2", "quantity": 3}, "239.97"),
        ({"id": "bli2", "quantity": 3, "price": 2}, "6.0"),
        ({"id": "bli2", "quantity": 3, "price": 2, "amount": 7}, "7.0"),
        ({"id": "bli2", "description": "x"}, "79.99"),
    ],
)
def test_the_amount_of_a_line_wins_over_quantity_and_price(item: Json, amount: str) -> None:
    lines = patched_lines(World().bill, [item], _lines())
    assert lines[1]["amount"] == Decimal(amount)


def test_a_line_of_an_unknown_id_is_not_found() -> None:
    with pytest.raises(Refusal) as refused:
        patched_lines(World().bill, [{"id": "bli9", "amount": 1}], _lines())
    assert refused.value.code == "BDC_1205"


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        ({"key": "BILL_AMOUNT", "op": "gte", "values": ["1000"]}, True),
        ({"key": "BILL_AMOUNT", "op": "lt", "values": ["1000"]}, False),
        ({"key": "VENDOR_ID", "op": "eq", "values": ["009A"]}, True),
        ({"key": "LOCATION_ID", "op": "eq", "values": ["loc1"]}, False),
    ],
)
def test_policies_ask_their_approvers(rule: Json, asked: bool) -> None:
    org = Organization("008", "Firma", "key", World().clock)
    org.policies["p"] = {"rules": [rule], "approvers": ["006A", "006B"]}
    approvers = approvers_for(org, {"amount": Decimal(1000), "vendorId": "009A"})
    assert [item["userId"] for item in approvers] == (["006A", "006B"] if asked else [])
