from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from shared import jsontext
from shared.bill.answers import SessionExpired, Throttled, error_of, login_error_of, read_faults
from shared.errors import (
    ConnectorError,
    CredentialsRefused,
    NoPlace,
    NotFound,
    OutcomeUnknown,
    Permanent,
    Retryable,
    Unavailable,
)
from shared.http import Answer

pytestmark = pytest.mark.unit

HTML = b"<html><body>Bad gateway</body></html>"


def answer(status: int, code: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    fault = {"message": "what BILL says", "severity": "ERROR"} | ({} if code is None else {"code": code})
    return Answer(status, dict(headers or {}), jsontext.dumps([fault]).encode())


@pytest.mark.parametrize(
    ("given", "write", "kind"),
    [
        (answer(401, "BDC_1109"), False, SessionExpired),
        (answer(401), False, SessionExpired),
        (Answer(401, {}, HTML), True, SessionExpired),
        (answer(401, "BDC_1102"), False, CredentialsRefused),
        (answer(403, "BDC_1361"), False, Permanent),
        (answer(403), False, Permanent),
        (answer(404, "BDC_1205"), False, NotFound),
        (answer(400, "BDC_1205"), False, NotFound),
        (answer(404, "BDC_1121"), False, Permanent),
        (Answer(404, {}, HTML), False, Permanent),
        (answer(400, "BDC_1120"), False, Permanent),
        (answer(400, "BDC_1130"), False, Permanent),
        (answer(422, "BDC_1152"), True, Permanent),
        (answer(423), False, CredentialsRefused),
        (answer(400, "BDC_1107"), False, CredentialsRefused),
        (answer(500), False, Unavailable),
        (answer(500), True, OutcomeUnknown),
        (answer(400, "BDC_1001"), False, Unavailable),
        (Answer(502, {}, HTML), False, Unavailable),
        (Answer(503, {}, b""), True, OutcomeUnknown),
        (answer(408), False, Unavailable),
        (Answer(302, {}, b""), False, Unavailable),
        (Answer(302, {}, b""), True, OutcomeUnknown),
        (answer(200, "BDC_1002"), False, Unavailable),
        (answer(429), True, Throttled),
        (answer(422, "BDC_1322"), True, NoPlace),
        (answer(503, "BDC_1144"), True, Throttled),
    ],
)
def test_error_of(given: Answer, write: bool, kind: type[ConnectorError]) -> None:
    error = error_of(given, "/v3/bills/{id}", write=write)
    assert type(error) is kind
    if kind in (Permanent, Unavailable):
        assert "/v3/bills/{id}" in str(error)


@pytest.mark.parametrize("status", [400, 422, 429, 500, 503])
@pytest.mark.parametrize(("code", "least_s", "most_s"), [("BDC_1144", 0, 3600), ("BDC_1322", 1, 10)])
def test_limits_by_code_on_any_status(status: int, code: str, least_s: float, most_s: float) -> None:
    for error in (error_of(answer(status, code), "/v3/bills"), login_error_of(answer(status, code))):
        assert isinstance(error, NoPlace)
        assert error.retry_after_s is not None
        assert least_s <= error.retry_after_s <= most_s
        assert not error.counts


def test_told_delay_wins() -> None:
    for given in (
        answer(422, "BDC_1144", {"Retry-After": "11"}),
        answer(429, None, {"Retry-After": "11"}),
        answer(503, None, {"Retry-After": "11"}),
    ):
        error = error_of(given, "/v3/bills")
        assert isinstance(error, Retryable)
        assert error.retry_after_s == 11


@pytest.mark.parametrize(
    ("given", "kind", "says"),
    [
        (answer(400, "BDC_1101"), CredentialsRefused, "credentials set TENANT bill"),
        (answer(401, "BDC_1101"), CredentialsRefused, "user name or password"),
        (answer(400, "BDC_1102"), CredentialsRefused, "developer key"),
        (answer(400, "BDC_1105"), CredentialsRefused, "API access"),
        (answer(400, "BDC_1110"), CredentialsRefused, "locked"),
        (answer(400, "BDC_1356"), CredentialsRefused, "sync token"),
        (answer(400, "BDC_1129"), CredentialsRefused, "bill.organization_id"),
        (answer(401), CredentialsRefused, "credentials set"),
        (answer(500), Unavailable, "500"),
        (Answer(404, {}, HTML), Unavailable, "bill.base_url"),
        (answer(400), Unavailable, "400"),
    ],
)
def test_login_error_of(given: Answer, kind: type[ConnectorError], says: str) -> None:
    error = login_error_of(given)
    assert type(error) is kind
    assert says in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("body", "codes", "message"),
    [
        ([{"code": "BDC_1205", "message": "Not\nthere."}], ["1205"], "Not there."),
        ({"code": "1205", "message": "Alone."}, ["1205"], "Alone."),
        ([{"message": "address: must not be null"}], [None], "address: must not be null"),
        (
            [{"code": "BDC_1129", "message": "Bad ${p}.", "params": [{"name": "p", "value": "max"}]}],
            ["1129"],
            "Bad max.",
        ),
        ([{"code": "BDC_1129", "message": "Bad ${p} ${q}.", "params": {"p": 7}}], ["1129"], "Bad 7 ${q}."),
        ([{"code": None, "message": None}], [None], "no message"),
        ([{"code": "BDC_12051"}], [None], "no message"),
    ],
)
def test_read_faults(body: Any, codes: list[str | None], message: str) -> None:
    faults = read_faults(Answer(400, {}, jsontext.dumps(body).encode()))
    assert [fault.code for fault in faults] == codes
    assert faults[0].message == message


@pytest.mark.parametrize("body", [b"", b"text", HTML, b'"text"', b"[7]", b"null", b"\xff"])
def test_bodies_without_faults(body: bytes) -> None:
    assert read_faults(Answer(500, {}, body)) == ()
    assert "no error that can be read" in str(error_of(Answer(500, {}, body), "/v3/bills"))
