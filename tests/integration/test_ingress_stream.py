from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from shared import queues
from shared.stream import NUDGE_MARK, NUDGE_MARK_MS, STREAM, EventStream, StreamEntry

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 3, 9, 30, 0, 125_000, tzinfo=UTC)
RAW = b'{"a":"\xc3\xa5\x00\xff"}'


@pytest.fixture
def stream(redis_client: Redis) -> EventStream:
    return EventStream(redis_client)


def bodies(entries: list[StreamEntry]) -> list[bytes]:
    return [entry.body for entry in entries]


def test_an_event_comes_out_as_it_went_in(stream: EventStream) -> None:
    stream.append("fjord-se", RAW, NOW)
    [entry] = stream.read("w1")
    assert (entry.tenant, entry.body, entry.received_at) == ("fjord-se", RAW, NOW)


@pytest.mark.parametrize("protocol", [2, 3])
def test_both_redis_protocols_are_understood(redis_client: Redis, redis_url: str, protocol: int) -> None:
    with Redis.from_url(redis_url, protocol=protocol) as client:
        stream = EventStream(client)
        assert stream.read("w1") == []
        stream.append("fjord-se", b"1", NOW)
        stream.append("fjord-se", b"2", NOW)
        assert bodies(stream.read("w1")) == [b"1", b"2"]
        assert bodies(stream.claim_stale("w2", 0)) == [b"1", b"2"]


def test_each_entry_is_handed_out_once_oldest_first(stream: EventStream) -> None:
    for number in range(5):
        stream.append("fjord-se", str(number).encode(), NOW)
    assert bodies(stream.read("w1", count=2)) == [b"0", b"1"]
    assert bodies(stream.read("w2", count=9)) == [b"2", b"3", b"4"]
    assert stream.read("w1") == []


def test_entries_of_a_dead_consumer_are_claimed_by_another(stream: EventStream) -> None:
    stream.append("fjord-se", b"1", NOW)
    stream.read("dies")
    assert stream.claim_stale("w2", 60_000) == []
    assert bodies(stream.claim_stale("w2", 0)) == [b"1"]


def test_only_what_is_acknowledged_is_deleted(stream: EventStream) -> None:
    for number in range(3):
        stream.append("fjord-se", str(number).encode(), NOW)
    first, second, _ = stream.read("w1")
    stream.acknowledge([first.id, second.id])
    stream.acknowledge([])
    assert stream.get_depth() == 1
    assert bodies(stream.claim_stale("w2", 0)) == [b"2"]


def test_an_entry_deleted_while_in_hand_is_not_claimed(stream: EventStream, redis_client: Redis) -> None:
    stream.append("fjord-se", b"1", NOW)
    stream.append("fjord-se", b"2", NOW)
    first, _ = stream.read("w1")
    redis_client.xdel(STREAM, first.id)
    assert bodies(stream.claim_stale("w2", 0)) == [b"2"]


def test_after_redis_lost_its_data_the_next_read_starts_anew(
    stream: EventStream, redis_client: Redis
) -> None:
    stream.append("fjord-se", b"lost", NOW)
    stream.read("w1")
    redis_client.flushdb()
    assert stream.claim_stale("w1", 0) == []
    redis_client.flushdb()
    stream.append("fjord-se", b"appended before the group was there", NOW)
    assert bodies(stream.read("w1")) == [b"appended before the group was there"]


def test_the_group_can_be_ensured_again_and_keeps_its_place(stream: EventStream) -> None:
    stream.append("fjord-se", b"1", NOW)
    stream.ensure_group()
    assert bodies(stream.read("w1")) == [b"1"]
    stream.ensure_group()
    assert stream.read("w1") == []


def test_a_burst_calls_for_one_drain_until_it_begins(stream: EventStream, redis_client: Redis) -> None:
    assert [stream.append("fjord-se", b"1", NOW) for _ in range(3)] == [True, False, False]
    assert not stream.take_nudge()
    assert 0 < int(str(redis_client.pttl(NUDGE_MARK))) <= NUDGE_MARK_MS
    stream.clear_nudge()
    assert stream.append("fjord-se", b"1", NOW)
    stream.clear_nudge()
    assert stream.take_nudge()
    assert not stream.append("fjord-se", b"1", NOW)


def test_depth_and_age_count_what_is_in_hand_too(stream: EventStream) -> None:
    assert (stream.get_depth(), stream.find_oldest_at()) == (0, None)
    stream.append("fjord-se", b"1", NOW)
    stream.append("fjord-se", b"2", NOW.replace(hour=12))
    [entry] = stream.read("w1", count=1)
    assert (stream.get_depth(), stream.find_oldest_at()) == (2, NOW)
    stream.acknowledge([entry.id])
    assert (stream.get_depth(), stream.find_oldest_at()) == (1, NOW.replace(hour=12))


@pytest.mark.parametrize("fields", [{"x": "y"}, {"tenant": b"\xff", "received_at": b"\xff"}])
def test_an_entry_of_another_make_does_not_stop_the_drain(
    stream: EventStream, redis_client: Redis, fields: dict[str, str]
) -> None:
    redis_client.xadd(STREAM, dict(fields), id="1793698200125-0")
    [entry] = stream.read("w1")
    assert (entry.body, entry.received_at) == (b"", datetime.fromtimestamp(1793698200.125, UTC))
    stream.acknowledge([entry.id])
    assert stream.get_depth() == 0


def test_a_worker_takes_messages_in_the_order_of_the_queues(redis_client: Redis, redis_url: str) -> None:
    app = queues.make_producer(redis_url)
    for queue in reversed(queues.QUEUES):
        for _ in range(2):
            app.send_task(queues.TICK, queue=queue, retry=False)
    seen: list[str] = []

    def receive(message: Any) -> None:
        seen.append(message.delivery_info["routing_key"])
        message.ack()

    with app.connection_for_read() as connection, connection.channel() as channel:
        channel.basic_qos(0, 1, False)
        with app.amqp.TaskConsumer(channel, on_message=receive):
            for _ in range(2 * len(queues.QUEUES)):
                connection.drain_events(timeout=5)
    app.close()
    assert seen == [queue for queue in queues.QUEUES for _ in range(2)]
