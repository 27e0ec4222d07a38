"""What BILL sent and nobody received is fetched from its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from shared import jsontext
from shared.bill.events import HANDLED_EVENT_TYPES
from shared.bill.models import Page, Subscription
from shared.bill.subscriptions import LoggedEvent, Subscriptions
from shared.bill.webhook_keys import SECRET_KIND, WebhookKey, WebhookKeys
from shared.errors import NotFound, Permanent, Retryable
from shared.store import dead_letters, secrets, watermarks
from tests.support.bench import Bench, BenchTask
from workers.sync.recover import KIND, SOURCE, Comparison, DeliveryLog, walk_events
from workers.wiring import Context

pytestmark = pytest.mark.integration

URL = "http://127.0.0.1:9/webhooks/bill/acme"


def subscribe(bench: Bench) -> str:
    """A subscription with its key sealed; nobody listens at its address. Its id."""
    made = bench.context.subscriptions(bench.config).create(
        name="test", notification_url=URL, event_types=HANDLED_EVENT_TYPES, idempotency_key=uuid4()
    )
    seal(bench, made.subscription.id)
    return made.subscription.id


def seal(bench: Bench, subscription_id: str) -> None:
    keys = WebhookKeys(subscription_id, (WebhookKey("sekrit"),))
    sealed = bench.context.vault.seal(keys.to_bytes(), tenant=bench.tenant, kind=SECRET_KIND)
    with bench.conn() as conn:
        secrets.put_secret(conn, bench.tenant, SECRET_KIND, sealed)


def recover(bench: Bench) -> int:
    """The hourly task; how many events BILL listed."""
    with bench.conn() as conn:
        watermarks.poll_now(conn, bench.tenant)
        polls = watermarks.take_due_polls(conn)
        poll = next(poll for poll in polls if poll.source == SOURCE)
        for other in polls:
            if other is not poll:
                watermarks.fail(conn, other, error="not in this test", delay_s=900)

    def walk(work: Any) -> Any:
        return walk_events(work, bench.context.find_delivery_log)

    return BenchTask("recover").walk(SOURCE, bench.tenant, KIND, str(poll.token), walk)


def watermark(bench: Bench, source: str = SOURCE, kind: str = KIND) -> dict[str, Any]:
    with bench.conn() as conn:
        found = watermarks.find_watermark(conn, bench.tenant, source, kind)
    assert found is not None
    return found


def count_events(bench: Bench) -> int:
    with bench.conn() as conn:
        return len(conn.execute("SELECT event_id FROM events").fetchall())


def drop_webhooks(bench: Bench) -> None:
    bench.sandbox.add_fault("drop_hook", tenant=bench.organization, times=None)


def test_what_never_arrived_is_fetched_once_and_goes_the_way_of_a_webhook(bench: Bench) -> None:
    subscribe(bench)
    drop_webhooks(bench)
    bench.poll("visma")
    vendors = [bench.add_vendor(place) for place in range(2)]
    bench.change_vendor(vendors[0], name="Nya Namnet AB")
    with capture_logs() as logs:
        assert recover(bench) == 3
    (told,) = [line for line in logs if line.get("action") == "webhook.recovered"]
    assert (told["listed"], told["missing"]) == (3, 3)
    assert [run.word for run in bench.work_off()] == ["created", "created"]
    assert bench.supplier_of(vendors[0])["name"] == "Nya Namnet AB"

    wanted = [bench.record("vendor", vendor).wanted for vendor in vendors]
    with capture_logs() as logs:
        assert recover(bench) == 3, "the overlap is listed again"
    assert [line for line in logs if line.get("action") == "webhook.recovered"] == []
    assert [bench.record("vendor", vendor).wanted for vendor in vendors] == wanted
    assert (count_events(bench), bench.work_off()) == (3, [])


def test_a_subscription_that_bill_switched_off_is_switched_on_and_caught_up(bench: Bench) -> None:
    subscription_id = subscribe(bench)
    subscriptions = bench.context.subscriptions(bench.config)
    subscriptions.set_enabled(subscription_id, False)
    vendor = bench.add_vendor()
    with capture_logs() as logs:
        recover(bench)
    assert [line["subscription"] for line in logs if line.get("action") == "webhook.reenabled"] == [
        subscription_id
    ]
    assert subscriptions.fetch(subscription_id).enabled
    assert bench.record("vendor", vendor).state == "pending"
    assert watermark(bench, "bill", "vendor")["next_poll_at"] < bench.clock() + timedelta(minutes=1)


def test_a_tenant_without_a_subscription_costs_no_call_and_no_error(bench: Bench) -> None:
    assert bench.count_calls(lambda: recover(bench)) == {"bill": 0, "visma": 0}
    assert bench.sandbox.count_calls(system="events") == 0
    row = watermark(bench)
    assert (row["position"], row["last_error"]) == (None, None)
    assert row["next_poll_at"] - row["last_complete_at"] > timedelta(minutes=59)


def test_a_subscription_that_is_gone_is_told_once_an_hour(bench: Bench) -> None:
    seal(bench, "gone")
    recover(bench)
    row = watermark(bench)
    assert "connector webhook subscribe acme" in row["last_error"]
    assert row["next_poll_at"] > bench.clock() + timedelta(minutes=59)


# --- the walk itself, over a log made up here ------------------------------------------------------


def logged(number: int, at: datetime | None, type: str = "vendor.updated", **body: Any) -> LoggedEvent:
    """A logged event about vendor ``number``; further keywords replace the notification."""
    content = body or {
        "metadata": {"eventId": f"event-{number}", "eventType": type, "organizationId": "008"},
        type.partition(".")[0]: {"id": f"009-{number}", "name": "A"},
    }
    return LoggedEvent(f"log-{number}", type, jsontext.dumps(content), at)


@dataclass
class FakeLog:
    """BILL's log, two a page, listed newest first."""

    events: Sequence[LoggedEvent] = ()
    created_at: datetime | None = None
    breaks_at: int | None = None
    asked: list[tuple[datetime, datetime | None, str | None]] = field(default_factory=list)

    def fetch(self, subscription_id: str) -> Subscription:
        if subscription_id == "gone":
            raise NotFound("BDC_1205")
        return Subscription(subscription_id, URL, True, HANDLED_EVENT_TYPES, created_at=self.created_at)

    def list_events(
        self, _: str, *, created_from: datetime, created_to: datetime | None, cursor: str | None
    ) -> Page[LoggedEvent]:
        if len(self.asked) == self.breaks_at:
            self.breaks_at = None
            raise Permanent("BDC_1130")
        self.asked.append((created_from, created_to, cursor))
        found = [
            event
            for event in self.events
            if event.created_at is None
            or (created_from <= event.created_at and (created_to is None or event.created_at <= created_to))
        ][::-1]
        start = int(cursor or 0)
        following = str(start + 2) if start + 2 < len(found) else None
        return Page(tuple(found[start : start + 2]), following)


def open_log(bench: Bench, fake: FakeLog, subscription_id: str = "sub-1") -> DeliveryLog:
    upstream = cast("Subscriptions", fake)
    return DeliveryLog(bench.config, subscription_id, upstream, bench.context.pool, bench.clock)


def thirty_days(bench: Bench, **fields: Any) -> FakeLog:
    """A log with one event a day."""
    now = bench.clock()
    events = [logged(number, now - timedelta(days=30 - number)) for number in range(30)]
    return FakeLog(events, created_at=now - timedelta(days=30), **fields)


def test_a_long_log_is_walked_in_parts_and_goes_on_where_it_broke_off(bench: Bench) -> None:
    fake = thirty_days(bench, breaks_at=8)  # on the second page of the fifth part
    reached: list[str] = []

    def note(position: str | None) -> None:
        reached.extend([position] if position else [])

    with pytest.raises(Retryable, match="begin anew"):
        open_log(bench, fake).recover(None, note)
    assert len(reached) == 4
    stored = count_events(bench)
    assert 8 <= stored < 12

    fake.asked.clear()
    found = open_log(bench, fake).recover(reached[-1], note)
    assert (found.missing, count_events(bench)) == (30 - stored, 30)
    starts = [start for start, _, _ in fake.asked]
    assert starts == sorted(starts)
    assert starts[0] > bench.clock() - timedelta(days=30) + timedelta(days=5)
    assert fake.asked[-1][1] is None, "the last part has no end: what happens meanwhile is in it"


def test_a_long_walk_is_done_in_pieces(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seal(bench, "sub-1")
    fake = thirty_days(bench)
    monkeypatch.setattr(Context, "subscriptions", lambda *_: fake)
    with bench.conn() as conn:
        poll = next(poll for poll in watermarks.take_due_polls(conn) if poll.source == SOURCE)
    resumes: list[dict[str, Any] | None] = [None]
    while len(resumes) == 1 or resumes[-1] is not None:
        work = bench.context.poll_work(bench.config, poll, resumes[-1], until=0.0)
        resumes.append(walk_events(work, bench.context.find_delivery_log).resume)
        assert len(resumes) < 40
    assert len(resumes) > 10
    assert count_events(bench) == 30
    assert watermark(bench)["last_complete_at"] is not None


def test_the_log_is_not_asked_for_more_than_it_keeps(bench: Bench) -> None:
    fake = FakeLog()
    open_log(bench, fake).recover(None, lambda _: None)
    assert fake.asked[0][0] == bench.clock() - timedelta(days=180)


def test_what_does_not_concern_us_is_not_counted_and_what_cannot_be_read_is_kept(bench: Bench) -> None:
    now = bench.clock()
    fake = FakeLog(
        [
            logged(1, now, "payment.updated"),
            logged(2, now, metadata={"eventId": "x"}),
            logged(3, now, "bill.created"),
            logged(4, None),
        ],
        created_at=now,
    )
    found = open_log(bench, fake)
    assert found.compare(None) == Comparison(listed=3, missing=2, unreadable=1)
    assert count_events(bench) == 0, "looking changes nothing"
    assert found.recover(None, lambda _: None) == Comparison(listed=3, missing=2, unreadable=1)
    assert found.recover(None, lambda _: None) == Comparison(listed=3, missing=0, unreadable=1)
    with bench.conn() as conn:
        (letter,) = dead_letters.list_letters(conn, bench.tenant)
        assert dead_letters.find_letter(conn, letter["id"])["raw"] == fake.events[1].payload.encode()  # type: ignore[index]


def test_a_stored_key_that_does_not_open_names_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = bench.context.vault.seal(b"{}", tenant=bench.tenant, kind=SECRET_KIND)
    with bench.conn() as conn:
        secrets.put_secret(conn, bench.tenant, SECRET_KIND, sealed)
    monkeypatch.setattr(Context, "subscriptions", lambda *_: FakeLog())
    recover(bench)
    assert "webhook keys" in watermark(bench)["last_error"]
