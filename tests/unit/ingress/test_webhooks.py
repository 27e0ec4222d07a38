from __future__ import annotations

import hmac
import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from werkzeug.test import TestResponse

from ingress.app import build_app
from ingress.keys import NOBODY, KeyRing, TenantKeys
from ingress.webhooks import Intake
from shared.metrics import COUNTED, FleetState
from shared.stream import EventStream
from tests.unit.ingress.payloads import KEY, ORGANIZATION, TENANT, minified, notification, signed

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 3, 9, 31, tzinfo=UTC)
LIMIT = 4096
BODY = minified(notification())
PATH = f"/webhooks/bill/{TENANT}"
HEADER = "x-bill-sha-signature"


class RecordingStream(EventStream):
    """Keeps what is appended in a list, or fails; a nudge is due while ``nudge_due``."""

    def __init__(self) -> None:
        super().__init__(Redis())
        self.entries: list[tuple[str, bytes, datetime]] = []
        self.nudge_due = True
        self.failure: Exception | None = None

    def append(self, tenant: str, body: bytes, received_at: datetime) -> bool:
        if self.failure:
            raise self.failure
        self.entries.append((tenant, body, received_at))
        return self.nudge_due


class World:
    """An ingress of one good tenant, a paused and a keyless one, with its outside in reach of the test."""

    def __init__(self) -> None:
        self.stream = RecordingStream()
        self.nudges = 0
        self.nudge_failure: Exception | None = None
        self.keys: Callable[[], Mapping[str, TenantKeys]] = self._load
        key_ring = KeyRing(lambda: self.keys())
        intake = Intake(key_ring, self.stream, self._nudge, lambda: NOW, LIMIT)
        self.app: Flask = build_app(intake, {}, FleetState, COUNTED)

    def post(self, body: bytes = BODY, path: str = PATH, **headers: str | None) -> TestResponse:
        sent = {HEADER: signed(body)} if "signature" not in headers else {HEADER: headers["signature"]}
        return self.app.test_client().post(
            path, data=body, headers={name: text for name, text in sent.items() if text is not None}
        )

    def _load(self) -> Mapping[str, TenantKeys]:
        padding = NOBODY.keys[1:]
        return {
            TENANT: TenantKeys(TENANT, ORGANIZATION, (KEY, *padding)),
            "paused-se": TenantKeys("paused-se", ORGANIZATION, NOBODY.keys),
            "keyless-se": TenantKeys("keyless-se", ORGANIZATION, NOBODY.keys),
        }

    def _nudge(self) -> None:
        self.nudges += 1
        if self.nudge_failure:
            raise self.nudge_failure


@pytest.fixture
def world() -> World:
    return World()


def count(tenant: str, outcome: str) -> float:
    labels = {"tenant": tenant, "outcome": outcome}
    return COUNTED.get_sample_value("connector_webhooks_total", labels) or 0.0


def test_a_signed_notification_is_queued_as_sent_and_accepted(world: World) -> None:
    before = count(TENANT, "accepted")
    answer = world.post()
    assert (answer.status_code, answer.data) == (200, b'{"status":"accepted"}')
    assert answer.mimetype == "application/json"
    assert world.stream.entries == [(TENANT, BODY, NOW)]
    assert world.nudges == 1
    assert count(TENANT, "accepted") == before + 1


def test_one_burst_is_one_nudge(world: World) -> None:
    world.post()
    world.stream.nudge_due = False
    assert [world.post().status_code for _ in range(5)] == [200] * 5
    assert world.nudges == 1


def test_a_nudge_that_fails_after_the_append_is_still_accepted(world: World) -> None:
    world.nudge_failure = OSError("broker away")
    assert world.post().status_code == 200
    assert len(world.stream.entries) == 1


REFUSALS = {
    "unknown tenant": ("/webhooks/bill/nobody", signed(BODY)),
    "paused tenant": ("/webhooks/bill/paused-se", signed(BODY)),
    "no key stored": ("/webhooks/bill/keyless-se", signed(BODY)),
    "wrong signature": (PATH, signed(BODY, "another key")),
    "missing signature": (PATH, None),
    "empty signature": (PATH, ""),
    "signature not ASCII": (PATH, "sé" * 22),
    "hex instead of base64": (PATH, hmac.new(KEY.encode(), BODY, "sha256").hexdigest()),
    "no tenant": ("/webhooks/bill", signed(BODY)),
    "empty tenant": ("/webhooks/bill/", signed(BODY)),
    "tenant with slashes": ("/webhooks/bill//a/../b//", signed(BODY)),
    "tenant with a line end": ("/webhooks/bill/a%0Ab", signed(BODY)),
    "tenant with a NUL": ("/webhooks/bill/%00", signed(BODY)),
    "tenant not UTF-8": ("/webhooks/bill/%ff%fe", signed(BODY)),
    "tenant in capitals": (PATH.upper().replace("/WEBHOOKS/BILL", "/webhooks/bill"), signed(BODY)),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_every_refusal_is_the_same_answer_for_the_same_work(
    kind: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    digested: list[int] = []
    compared: list[tuple[int, int]] = []
    digest, compare = hmac.digest, hmac.compare_digest

    def counting_digest(key: bytes, message: bytes, name: str) -> bytes:
        digested.append(len(message))
        return digest(key, message, name)

    def counting_compare(one: bytes, other: bytes) -> bool:
        compared.append((type(one) is bytes, type(other) is bytes))
        return compare(one, other)

    monkeypatch.setattr(hmac, "digest", counting_digest)
    monkeypatch.setattr(hmac, "compare_digest", counting_compare)
    path, signature = REFUSALS[kind]
    answer = world.post(path=path, signature=signature)
    assert (answer.status_code, answer.data) == (401, b'{"status":"unauthorized"}')
    assert sorted(answer.headers) == [
        ("Content-Length", "25"),
        ("Content-Type", "application/json"),
    ]
    assert digested == [len(BODY)] * 3
    assert compared == [(True, True)] * 3
    assert world.stream.entries == []


def test_strangers_never_reach_the_parser(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_parser(body: bytes) -> Any:
        raise AssertionError("parsed before the signature was checked")

    monkeypatch.setattr("ingress.webhooks.parse_notification", no_parser)
    assert world.post(b"[" * LIMIT, signature="wrong").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[" * LIMIT, id="nested deeply"),
        pytest.param(b'{"metadata":' * 300 + b"1" + b"}" * 300, id="objects nested"),
        pytest.param(b'{"metadata":\xff}', id="not UTF-8"),
        pytest.param(b'{"a":1e999999999999999999999}', id="a number past any range"),
        pytest.param(b'{"a":' + b"9" * 4000 + b"}", id="a number of 4000 digits"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(BODY[:-1], id="cut"),
        pytest.param(minified(notification(eventId="")), id="empty event id"),
        pytest.param(minified(notification(eventId="a" * 65)), id="long event id"),
        pytest.param(minified(notification(eventId="a\n")), id="event id with a line end"),
        pytest.param(minified(notification(eventId=7)), id="event id a number"),
        pytest.param(
            minified(notification(organizationId="00801OTHER0000000001")), id="another organization"
        ),
        pytest.param(minified({"metadata": notification()["metadata"]}), id="no entity"),
        pytest.param(minified({**notification(), "bill": {"id": "a/b"}}), id="entity id with a slash"),
        pytest.param(minified({**notification(), "bill": "00n01"}), id="entity a text"),
    ],
)
def test_signed_but_not_bills_is_rejected_and_counted(body: bytes, world: World) -> None:
    before = count(TENANT, "rejected")
    answer = world.post(body)
    assert (answer.status_code, answer.data) == (400, b'{"status":"rejected"}')
    assert world.stream.entries == []
    assert world.nudges == 0
    assert count(TENANT, "rejected") == before + 1


@pytest.mark.parametrize("event_type", ["payment.updated", "invoice.created", "bill.deleted", "x"])
def test_events_of_other_types_are_ignored(event_type: str, world: World) -> None:
    answer = world.post(minified(notification(eventType=event_type)))
    assert (answer.status_code, answer.data) == (200, b'{"status":"ignored"}')
    assert world.stream.entries == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(json.dumps(BODY.decode()).encode(), id="a JSON string holding JSON"),
        pytest.param(BODY.replace(b'"bill":{', b'"bill":{},"bill":{'), id="a key twice"),
        pytest.param(BODY.replace(b"F 17", rb"\u0000"), id="a NUL in a text"),
        pytest.param(BODY.replace(b"F 17", rb"\ud83d"), id="half a surrogate pair"),
    ],
)
def test_odd_bodies_bill_may_send_are_queued_as_sent(body: bytes, world: World) -> None:
    assert world.post(body).status_code == 200
    assert [entry[1] for entry in world.stream.entries] == [body]


def test_a_queue_out_of_reach_asks_bill_to_come_again(world: World) -> None:
    world.stream.failure = RedisConnectionError("refused")
    answer = world.post()
    assert (answer.status_code, answer.data) == (503, b'{"status":"unavailable"}')
    assert int(answer.headers["Retry-After"]) > 0
    assert world.nudges == 0


def test_without_keys_nobody_is_refused_for_good(world: World) -> None:
    def down() -> Mapping[str, TenantKeys]:
        raise RuntimeError("database away")

    world.keys = down
    answers = [world.post(), world.post(path="/webhooks/bill/nobody")]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert all("Retry-After" in answer.headers for answer in answers)


class Dripping(io.RawIOBase):
    """A body without end that knows how much of it was asked for."""

    def __init__(self) -> None:
        self.given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size >= 0, "asked for the whole body"
        self.given += size
        return b"x" * size


def post_stream(app: Flask, stream: Any, **environ: Any) -> TestResponse:
    overrides = {"wsgi.input": stream, "wsgi.input_terminated": True, **environ}
    return app.test_client().post(PATH, environ_overrides=overrides)


def test_a_body_announced_as_too_long_is_not_read_at_all(world: World) -> None:
    stream = Dripping()
    answer = post_stream(world.app, stream, CONTENT_LENGTH=str(LIMIT + 1))
    assert (answer.status_code, answer.data) == (413, b'{"status":"too_large"}')
    assert answer.headers["Connection"] == "close"
    assert stream.given == 0


def test_a_body_of_unknown_length_is_read_one_byte_past_the_limit(world: World) -> None:
    stream = Dripping()
    answer = post_stream(world.app, stream, HTTP_TRANSFER_ENCODING="chunked")
    assert answer.status_code == 413
    assert stream.given == LIMIT + 1


def test_a_body_of_exactly_the_limit_is_read(world: World) -> None:
    body = BODY + b" " * (LIMIT - len(BODY))
    assert world.post(body).status_code == 200
    assert world.post(body + b" ").status_code == 413


def test_a_sender_that_hangs_up_gets_no_server_error(world: World) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("connection reset")

    assert post_stream(world.app, Broken(), HTTP_TRANSFER_ENCODING="chunked").status_code == 400


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", [PATH, "/webhooks/bill/nobody", "/webhooks/bill"])
def test_only_post_is_allowed(method: str, path: str, world: World) -> None:
    answer = world.app.test_client().open(path, method=method)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/webhooks", "/webhooks/visma/x", "/webhooks/billing/x", "/admin"])
def test_there_is_nothing_else(path: str, world: World) -> None:
    answer = world.app.test_client().post(path)
    assert (answer.status_code, answer.data) == (404, b'{"status":"not_found"}')


@pytest.fixture(scope="module")
def shared_world() -> Iterator[World]:
    yield World()


members = st.sampled_from(["metadata", "bill", "vendor", "eventId", "eventType", "organizationId", "id"])
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(ORGANIZATION)
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members, inner, max_size=4),
    max_leaves=9,
)


@given(
    body=st.binary(max_size=200) | documents.map(lambda value: json.dumps(value).encode()),
    signature=st.none()
    | st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"])),
    path=st.just(PATH) | st.text().map(lambda text: "/webhooks/bill/" + text),
)
def test_no_input_ends_in_a_server_error(
    body: bytes, signature: str | None, path: str, shared_world: World
) -> None:
    for header in (signature, signed(body)):
        environ = {"PATH_INFO": path.encode("utf-8", "replace").decode("latin-1")}
        headers = {} if header is None else {HEADER: header}
        answer = shared_world.app.test_client().post(
            PATH, data=body, headers=headers, environ_overrides=environ
        )
        assert answer.status_code < 500
