"""Visma's answers into the error tree, by status and message (there are no error codes).

The one place that knows Visma's statuses (Visma reference: errors, limits, concurrency).
"""

from __future__ import annotations

from typing import Any, Final

from shared.errors import (
    ConnectorError,
    CredentialsRefused,
    NoPlace,
    NotFound,
    OutcomeUnknown,
    Permanent,
    PreconditionFailed,
    Refused,
    Retryable,
    Unavailable,
)
from shared.http import Answer
from shared.visma.quirks import find_quirk

SYSTEM: Final = "visma"
_LONGEST_TEXT = 1000
_DEFAULT_WAIT_S = 60.0
_SET_CREDENTIALS = "set new ones with `connector credentials set TENANT visma`"
_REFUSED_TOKENS: Final = {
    "invalid_client": f"Visma Connect refuses the client id or secret: {_SET_CREDENTIALS}",
    "invalid_tenant": "Visma Connect says the app has no access to this company: approve it in the "
    "Visma App Store, and check visma.tenant_id (the company's tenant, not the customer's)",
    "unauthorized_client": "Visma Connect does not let this app use client credentials: "
    "register it as a service integration in Visma's Developer Portal",
    "invalid_scope": "Visma Connect refuses the scopes: grant the app vismanet_erp_service_api "
    "read, create, update and delete, and let the customer approve it again",
}


_WRONG_COMPANY: Final = frozenset({"12002", "12027"})
"""The gateway's codes for a missing or another company in ``ipp-company-id``."""


class TokenExpired(Retryable):
    """Visma does not accept the token: fetch one and repeat once, never in a loop."""


def error_of(answer: Answer, route: str, *, write: bool = False) -> ConnectorError:
    """What an unsuccessful answer means, to be raised."""
    text = f"Visma answered {answer.status} to {route}"
    if answer.status == 401:
        return TokenExpired(f"{text}: the token is expired, or visma.tenant_id is not the company's tenant")
    if answer.status == 403:
        return CredentialsRefused(
            SYSTEM, f"{text}: grant the app all four scopes and let the customer approve it in the App Store"
        )
    if answer.status == 412:
        return PreconditionFailed(f"{text}: the record was changed since it was read")
    if answer.status == 429:
        return NoPlace(text, retry_after_s=told_wait_s(answer))
    message, keys = read_message(answer), _keys(answer)
    if keys.get("exceptionfaultcode") in _WRONG_COMPANY:
        return CredentialsRefused(SYSTEM, f"{text}: {message}; check visma.company_id")
    if answer.status == 404:
        return _not_there(text, route, message)
    return _by_message(answer, text, message, write=write)


def read_message(answer: Answer) -> str | None:
    """What Visma says in an error's body, one line; keys come in any casing. None where it says nothing."""
    keys = _keys(answer)
    said = next((keys[key] for key in ("message", "exceptionmessage") if isinstance(keys.get(key), str)), "")
    said = " ".join([said, *_model_state(keys.get("modelstate"))])
    return " ".join(said.split())[:_LONGEST_TEXT] or None


def token_error_of(answer: Answer) -> ConnectorError:
    """What an unsuccessful token request means: the credentials are refused, or it may work later."""
    content = answer.find_json()
    error = content.get("error") if isinstance(content, dict) else None
    if answer.status < 500 and isinstance(error, str) and error in _REFUSED_TOKENS:
        return CredentialsRefused(SYSTEM, _REFUSED_TOKENS[error])
    text = f"Visma Connect answered {answer.status} to the token request"
    if answer.status == 429:
        return NoPlace(text, retry_after_s=told_wait_s(answer))
    if answer.status in {401, 403}:
        return CredentialsRefused(SYSTEM, f"{text}: {_SET_CREDENTIALS}")
    # Anything else (a wrong visma.token_url, too) must not cost a record its place: the circuit opens.
    wait_s = answer.retry_after_s()
    return Unavailable(SYSTEM, f"{text}; if this stays, check visma.token_url", retry_after_s=wait_s)


def told_number(answer: Answer, header: str) -> int | None:
    """A whole number out of a header, None where there is none."""
    text = answer.headers.get(header, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _by_message(answer: Answer, text: str, message: str | None, *, write: bool) -> ConnectorError:
    quirk = find_quirk(message) if message else None
    if quirk is not None and quirk.meaning == "changed_meanwhile":
        return PreconditionFailed(f"{text}: {message}")
    if message and quirk is not None and answer.status >= 400:
        return Refused(message, label=quirk.label, sure=answer.status < 500)
    if answer.status == 409 and message is None:
        return PreconditionFailed(f"{text}: read it again")
    if 400 <= answer.status < 500 and answer.status not in {408, 425}:
        return Refused(message or f"status {answer.status} without a message")
    if write:
        return OutcomeUnknown(f"{text}: {message or 'no message'}", system=SYSTEM)
    said = f"{text}: {message or 'no message'}"
    return Unavailable(SYSTEM, said, retry_after_s=answer.retry_after_s())


def _not_there(text: str, route: str, message: str | None) -> ConnectorError:
    if "{" in route:
        return NotFound(text)
    if message:
        return Refused(message)
    return Permanent(f"{text}: Visma does not know this path, check visma.base_url")


def told_wait_s(answer: Answer) -> float:
    """How long a 429 asks to wait: ``Retry-After``, else the used-up window's end, else a minute.

    While calls are left in the window, what was overrun is a shorter limit that Visma does not tell.
    """
    told = answer.retry_after_s()
    if told is not None:
        return told
    reset_s = told_number(answer, "X-RateLimit-Reset")
    is_used_up = not told_number(answer, "X-RateLimit-Remaining")
    return float(reset_s) if is_used_up and reset_s is not None else _DEFAULT_WAIT_S


def _keys(answer: Answer) -> dict[str, Any]:
    content = answer.find_json()
    if not isinstance(content, dict):
        return {}
    return {str(key).casefold(): value for key, value in content.items()}


def _model_state(state: Any) -> list[str]:
    if not isinstance(state, dict):
        return []
    return [f"{field}: {texts[0]}" for field, texts in state.items() if isinstance(texts, list) and texts]
