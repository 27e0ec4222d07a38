from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from shared.sentry import init_sentry, send_message
from shared.settings import load_settings

pytestmark = pytest.mark.unit

ENVIRON = {
    "DATABASE_URL": "postgresql://db/connector",
    "REDIS_URL": "redis://cache",
    "CONNECTOR_MASTER_KEYS": "k:" + "A" * 43 + "=",
}


WORD = "".join(("hun", "ter2"))  # a report shows lines of source, so the word must not stand in one


class Kept(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        event = envelope.get_event()
        assert event is not None
        self.events.append(dict(event))


@pytest.fixture
def sent() -> Iterator[Kept]:
    init_sentry(
        load_settings(ENVIRON | {"SENTRY_DSN": "https://key@s.invalid/1", "SENTRY_ENVIRONMENT": "test"})
    )
    client, kept = sentry_sdk.get_client(), Kept()
    client.transport = kept
    yield kept
    client.transport = None
    sentry_sdk.get_global_scope().set_client(None)


def fail(password: str) -> None:
    local = f"{password} in a local"
    raise ValueError(f"refused: sessionId={password}", len(local))


def test_a_report_has_no_secrets_bodies_or_locals(sent: Kept) -> None:
    with sentry_sdk.isolation_scope() as scope:
        scope.set_extra("credentials", {"dev_key": WORD})
        scope.add_event_processor(with_request)
        sentry_sdk.add_breadcrumb(message="POST https://u:hunter2@h.example", data={"token": WORD})
        try:
            fail(WORD)
        except ValueError:
            logging.getLogger("x").exception("it failed")
    (event,) = sent.events
    text = json.dumps(event, default=str)
    assert WORD not in text
    assert event["environment"] == "test"
    assert event["request"] == {"method": "POST", "url": "https://h.example/webhooks/bill/acme"}
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "fail"
    assert not any("vars" in frame for frame in frames)


def with_request(event: Any, hint: Any) -> Any:
    url = "https://h.example/webhooks/bill/acme"
    event["request"] = {"method": "POST", "url": url, "data": WORD, "headers": {"Cookie": WORD}}
    return event


def test_a_message_has_its_group_and_no_secret(sent: Kept) -> None:
    send_message(f"acme: password={WORD}", group=("alert", "acme", "lag"), tags={"tenant": "acme"})
    (event,) = sent.events
    assert (event["level"], event["fingerprint"]) == ("warning", ["alert", "acme", "lag"])
    assert event["tags"]["tenant"] == "acme"
    assert WORD not in json.dumps(event, default=str)


def test_nothing_is_set_up_without_a_dsn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentry_sdk, "init", lambda **options: pytest.fail("set up"))
    init_sentry(load_settings(ENVIRON))
