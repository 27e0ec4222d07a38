from __future__ import annotations

from typing import Any

import pytest

from shared import jsontext
from shared.errors import (
    ConnectorError,
    CredentialsRefused,
    NoPlace,
    NotFound,
    OutcomeUnknown,
    Permanent,
    PreconditionFailed,
    Refused,
    Unavailable,
)
from shared.http import Answer
from shared.visma.answers import TokenExpired, error_of, read_message, token_error_of
from shared.visma.calls import number_from_location, quote_key
from shared.visma.quirks import QUIRKS, find_quirk

pytestmark = pytest.mark.unit

ONE = "/v1/supplier/{number}"
ALL = "/v1/supplier"
LOCKED = "Another process has updated the 'APRegister' record. Your changes will be lost."
VISMA_ID = "VismaId: 0b9c1a5e-6b2a-4a55-8a0f-1f3f7a8f6d11. Error creating document. Error: "


def answer(status: int, message: str | None = None, **headers: str) -> Answer:
    body = b"" if message is None else jsontext.dumps({"message": message}).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    ("status", "message", "route", "for_read", "for_write"),
    [
        (400, "You must fill in X.", ALL, Refused, Refused),
        (400, None, ALL, Refused, Refused),
        (409, "It is locked.", ONE, Refused, Refused),
        (409, None, ONE, PreconditionFailed, PreconditionFailed),
        (422, "No.", ONE, Refused, Refused),
        (500, f"{VISMA_ID}Whatever.", ALL, Refused, Refused),
        (500, "You cannot create that.", ALL, Refused, Refused),
        (500, "An error has occurred.", ALL, Unavailable, OutcomeUnknown),
        (500, "Internal server error", ALL, Unavailable, OutcomeUnknown),
        (500, None, ALL, Unavailable, OutcomeUnknown),
        (502, None, ONE, Unavailable, OutcomeUnknown),
        (408, None, ONE, Unavailable, OutcomeUnknown),
        (302, None, ONE, Unavailable, OutcomeUnknown),
        (400, f"{VISMA_ID}{LOCKED}", ONE, PreconditionFailed, PreconditionFailed),
        (500, LOCKED, ONE, PreconditionFailed, PreconditionFailed),
        (401, None, ONE, TokenExpired, TokenExpired),
        (403, "Forbidden", ONE, CredentialsRefused, CredentialsRefused),
        (404, None, ONE, NotFound, NotFound),
        (404, "Supplier '1' cannot be found in the system.", ALL, Refused, Refused),
        (404, None, ALL, Permanent, Permanent),
        (412, None, ONE, PreconditionFailed, PreconditionFailed),
        (429, None, ONE, NoPlace, NoPlace),
    ],
)  # fmt: skip
def test_error_of(
    status: int,
    message: str | None,
    route: str,
    for_read: type[ConnectorError],
    for_write: type[ConnectorError],
) -> None:
    assert type(error_of(answer(status, message), route)) is for_read
    assert type(error_of(answer(status, message), route, write=True)) is for_write


@pytest.mark.parametrize("code", ["12002", "12027"])
def test_another_company_is_a_matter_of_settings(code: str) -> None:
    body = {"ExceptionMessage": "No license for this company.", "ExceptionFaultCode": code}
    error = error_of(Answer(400, {}, jsontext.dumps(body).encode()), ONE, write=True)
    assert isinstance(error, CredentialsRefused)
    assert "visma.company_id" in str(error)


def test_html_is_no_message() -> None:
    page = Answer(502, {}, b"<html>message</html>")
    assert read_message(page) is None
    assert type(error_of(page, ONE, write=True)) is OutcomeUnknown


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry_After": "411", "X_RateLimit_Reset": "5"}, 411),
        ({"X_RateLimit_Reset": "5"}, 5),
        ({"X_RateLimit_Reset": "1700", "X_RateLimit_Remaining": "0"}, 1700),
        ({"X_RateLimit_Reset": "1700", "X_RateLimit_Remaining": "412"}, 60),
        ({}, 60),
    ],
)
def test_throttled(headers: dict[str, str], wait_s: float) -> None:
    error = error_of(answer(429, None, **headers), ONE)
    assert isinstance(error, NoPlace)
    assert error.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"message": "plain\nlines"}, "plain lines"),
        ({"Message": "cased"}, "cased"),
        ({"ExceptionMessage": "old gateway", "ExceptionFaultCode": "12027"}, "old gateway"),
        (
            {"message": "The request is invalid.", "modelState": {"dto.date": ["Not a date."]}},
            "The request is invalid. dto.date: Not a date.",
        ),
        ({"message": 7}, None),
        (["message"], None),
    ],
)
def test_read_message(body: Any, message: str | None) -> None:
    assert read_message(Answer(400, {}, jsontext.dumps(body).encode())) == message


QUIRK_MESSAGES = {
    "another_process": LOCKED,
    "duplicate_reference": "Document with this Vendor Ref. already exists for this Vendor - see document "
    "with reference number '000007' dated '11/1/2026' .",
    "no_exchange_rate": "The currency rate from USD to SEK is not defined.",
    "out_of_balance": "Error creating document. Error: The document is out of the balance.",
    "on_hold": "Document is On Hold and cannot be released.",
    "invalid_status": "Document Status is invalid for processing.",
    "period_closed": "The financial period 11-2026 is closed in Accounts Payable.",
    "unknown_segment_value": "Error: Kostnadsställe of Subaccount do not exist.",
    "unknown_value": "TaxCategoryID '0' cannot be found in the system.",
    "missing_value": "'Supplier Ref.' cannot be empty.",
    "supplier_status": "The supplier status is 'OnHold'.",
    "negative_amount": "Unit Cost must be greater than or equal to zero.",
    "not_allowed": "You cannot create a document of this type.",
    "currency_mismatch": "The currency of supplier '50001' is SEK and cannot be overridden.",
    None: f"{VISMA_ID}Something of the company's own.",
}


def test_every_quirk_has_a_message() -> None:
    assert {quirk.label for quirk in QUIRKS} == set(QUIRK_MESSAGES)


@pytest.mark.parametrize(("label", "message"), QUIRK_MESSAGES.items())
def test_quirk(label: str | None, message: str) -> None:
    quirk = find_quirk(message)
    assert quirk is not None
    assert quirk.label == label
    if label not in {None, "not_allowed"}:
        assert (wrapped := find_quirk(VISMA_ID + message)) is not None
        assert wrapped.label == label
    error = error_of(answer(500, message), ALL, write=True)
    if isinstance(error, Refused):
        assert (error.label, error.message) == (label, message)
    else:
        assert label == "another_process"


@pytest.mark.parametrize(
    "message",
    [
        "Value cannot be null. Parameter name: source",
        "Object reference not set to an instance of an object.",
        "Execution Timeout Expired.",
        "Error",
        "VismaId: short. Error",
        "The service is unavailable.",
    ],
)
def test_real_failures_are_no_quirks(message: str) -> None:
    assert find_quirk(message) is None


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (400, {"error": "invalid_client"}, CredentialsRefused, "credentials set TENANT visma"),
        (401, {"error": "invalid_client"}, CredentialsRefused, "client id or secret"),
        (400, {"error": "invalid_tenant"}, CredentialsRefused, "visma.tenant_id"),
        (400, {"error": "invalid_scope"}, CredentialsRefused, "scopes"),
        (401, {}, CredentialsRefused, "credentials set"),
        (400, {"error": "temporarily_unavailable"}, Unavailable, "visma.token_url"),
        (404, {}, Unavailable, "visma.token_url"),
        (503, {"error": "invalid_client"}, Unavailable, "503"),
        (429, {}, NoPlace, "429"),
    ],
)
def test_token_error_of(status: int, body: Any, kind: type[ConnectorError], says: str) -> None:
    error = token_error_of(Answer(status, {}, jsontext.dumps(body).encode()))
    assert type(error) is kind
    assert says in str(error)


@pytest.mark.parametrize(
    ("location", "number"),
    [
        ("https://api.finance.visma.net/v1/supplierInvoice/000357", "000357"),
        ("https://integration.visma.net/API/controller/api/v1/supplier/50002/", "50002"),
        ("/v1/supplier/A%20B%2FC?x=1", "A B/C"),
        ("https://h/v1/supplier/b64(QS8x)", "A/1"),
        ("https://h/v1/supplier/b64(w6Q=)", "ä"),
        ("https://h/v1/supplier/b64(_w)", None),
        ("https://h", None),
        ("", None),
        (None, None),
    ],
)
def test_number_from_location(location: str | None, number: str | None) -> None:
    assert number_from_location(location) == number


@pytest.mark.parametrize(
    ("key", "quoted"),
    [("50002", "50002"), ("A-1_b", "A-1_b"), ("A/1", "b64(QS8x)"), ("..", "b64(Li4)"), ("ä", "b64(w6Q)")],
)
def test_quote_key(key: str, quoted: str) -> None:
    assert quote_key(key) == quoted
    assert number_from_location(f"https://h/v1/supplier/{quoted}") == key
