"""BILL's answers into the error tree. BILL decides by its ``BDC_`` code; the status is only a hint.

The one place that knows BILL's statuses and codes (BILL reference: errors and limits).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.budget import next_hour_in_s
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

SYSTEM = "bill"
SESSION_INVALID = "1109"
UNTRUSTED_SESSION = "1361"
CONCURRENCY_WAIT_S = 2.0

_CODE = re.compile(r"(?:BDC_)?(\d{4})", re.ASCII)
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_LONGEST_TEXT = 300
_SET_CREDENTIALS = "set new ones with `connector credentials set TENANT bill`"

_REFUSED_LOGINS: Mapping[str, str] = {
    "1101": f"BILL refuses the user name or password: {_SET_CREDENTIALS}",
    "1102": "BILL does not know the developer key, or it belongs to BILL's other environment: "
    "compare dev_key with bill.base_url",
    "1103": "BILL says the developer key is inactive: ask BILL to activate it",
    "1105": "BILL says this organization has no API access: ask BILL to enable it",
    "1107": "BILL says this organization is locked: ask BILL to unlock it",
    "1110": f"BILL locked this log-in: unlock it in BILL, then {_SET_CREDENTIALS}",
    "1111": f"BILL knows no active user of this name: {_SET_CREDENTIALS}",
    "1113": f"BILL refuses the log-in: {_SET_CREDENTIALS}",
    "1356": "BILL asks for a second factor: use a sync token (token name and value) as user and password",
    "1358": "BILL asks for a second factor: use a sync token (token name and value) as user and password",
    "1374": "BILL asks for a second factor: use a sync token (token name and value) as user and password",
}
_REFUSED_LOGIN_INPUT = frozenset({"1117", "1119", "1122", "1124", "1129"})
_PASSING = frozenset({"1001", "1002"})


class SessionExpired(Retryable):
    """BILL does not accept the session: log in once and repeat once, never in a loop."""


class Throttled(NoPlace):
    """BILL told everyone with this developer key to wait, not only this organization."""


class CursorExpired(Retryable):
    """BILL does not accept a page cursor any more: begin the walk anew from the watermark."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of an answer's body; ``code`` is the four digits, None where BILL gave none."""

    code: str | None
    message: str


def read_faults(answer: Answer) -> tuple[Fault, ...]:
    """The errors of a body in any shape BILL uses: array, object, text, HTML, nothing."""
    content = answer.find_json()
    items = content if isinstance(content, list) else [content]
    return tuple(_fault(item) for item in items if isinstance(item, dict))


def is_fault(answer: Answer) -> bool:
    """Whether the body is BILL's error array, whatever the status says."""
    return any(fault.code is not None for fault in read_faults(answer))


def error_of(answer: Answer, route: str, *, write: bool = False) -> ConnectorError:
    """What an unsuccessful answer means, to be raised."""
    faults = read_faults(answer)
    codes = {fault.code for fault in faults}
    text = _text(answer, route, faults)
    told = _throttled(answer, codes, text)
    if told is not None:
        return told
    if codes & set(_REFUSED_LOGINS) and answer.status < 500:
        return CredentialsRefused(SYSTEM, _refusal(codes))
    if answer.status == 401:
        return SessionExpired(text)
    if "1205" in codes:
        return NotFound(text)
    if _is_passing(answer.status, codes):
        if write:
            return OutcomeUnknown(text, system=SYSTEM)
        return Unavailable(SYSTEM, text, retry_after_s=answer.retry_after_s())
    return _lasting(answer, codes, text)


def login_error_of(answer: Answer) -> ConnectorError:
    """What an unsuccessful log-in means: the credentials are refused, or it may work later."""
    faults = read_faults(answer)
    codes = {fault.code for fault in faults}
    text = _text(answer, "/v3/login", faults)
    told = _throttled(answer, codes, text)
    if told is not None:
        return told
    if codes & set(_REFUSED_LOGINS):
        return CredentialsRefused(SYSTEM, _refusal(codes))
    if answer.status in {401, 403, 423} or codes & _REFUSED_LOGIN_INPUT:
        return CredentialsRefused(SYSTEM, f"{text}; check bill.organization_id, or {_SET_CREDENTIALS}")
    # Anything else (a wrong bill.base_url, too) must not cost a record its place: the circuit opens.
    wait_s = answer.retry_after_s()
    return Unavailable(SYSTEM, f"{text}; if this stays, check bill.base_url", retry_after_s=wait_s)


def _throttled(answer: Answer, codes: set[str | None], text: str) -> NoPlace | None:
    told = answer.retry_after_s()
    if "1144" in codes:
        return Throttled(text, retry_after_s=next_hour_in_s() if told is None else told)
    if "1322" in codes:
        return NoPlace(text, retry_after_s=CONCURRENCY_WAIT_S if told is None else told)
    if answer.status == 429:
        return Throttled(text, retry_after_s=60.0 if told is None else told)
    return None


def _is_passing(status: int, codes: set[str | None]) -> bool:
    return status < 400 or status in {408, 425} or status >= 500 or bool(codes & _PASSING)


def _lasting(answer: Answer, codes: set[str | None], text: str) -> ConnectorError:
    if answer.status == 423:
        return CredentialsRefused(SYSTEM, f"{text}: BILL locked this organization, ask BILL to unlock it")
    if UNTRUSTED_SESSION in codes:
        return Permanent(f"{text} BILL gives this only to a session with a second factor")
    if answer.status == 403:
        return Permanent(f"{text} The BILL user lacks this permission")
    if "1121" in codes or answer.status == 404:
        return Permanent(f"{text} BILL does not know this path: check bill.base_url and bill.events_url")
    return Permanent(text)


def _refusal(codes: set[str | None]) -> str:
    return next(text for code, text in _REFUSED_LOGINS.items() if code in codes)


def _text(answer: Answer, route: str, faults: tuple[Fault, ...]) -> str:
    said = "; ".join(f"BDC_{fault.code} {fault.message}" if fault.code else fault.message for fault in faults)
    return f"BILL answered {answer.status} to {route}: {said or 'no error that can be read'}"


def _fault(item: Mapping[str, Any]) -> Fault:
    code = _CODE.fullmatch(str(item.get("code") or ""))
    message = item.get("message")
    text = _interpolate(message, item.get("params")) if isinstance(message, str) else "no message"
    return Fault(code.group(1) if code else None, " ".join(text.split())[:_LONGEST_TEXT])


def _interpolate(message: str, params: object) -> str:
    """BILL sends some messages with ``${paramName0}`` still in them."""
    values: dict[str, str] = {}
    if isinstance(params, dict):
        values = {str(name): str(value) for name, value in params.items()}
    elif isinstance(params, list):
        values = {
            str(param.get("name")): str(param.get("value")) for param in params if isinstance(param, dict)
        }
    return _PLACEHOLDER.sub(lambda found: values.get(found.group(1), found.group(0)), message)
