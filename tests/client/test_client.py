"""The SDK against a real broker, and against one that is not there."""

import asyncio
import gc
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from broker_fixture import CreateTopic
from ragpulse.client import (
    BufferFullError,
    Client,
    DeliveryError,
    DeliveryFailure,
    InvalidEventError,
    Statistics,
    query_event,
)
from ragpulse.streams.segments.partitioner import partition_of

NOWHERE = "127.0.0.1:1"  # nothing listens on port 1
PARTITIONS = 4


def records(kafka: str, topic: str) -> list[Message]:
    """Return all records of a topic."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "none", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    ends = [consumer.get_watermark_offsets(TopicPartition(topic, partition), 10)[1] for partition in range(PARTITIONS)]
    found: list[Message] = []
    while len(found) < sum(ends):
        found.extend(consumer.consume(1000, 1.0))
    consumer.close()
    return found


@pytest.fixture
def topic(create_topic: CreateTopic) -> str:
    return create_topic("query-events", PARTITIONS)


@pytest.fixture
def unreachable() -> Iterator[Client]:
    """Give a client without a broker, with room for ten events."""
    client = Client(NOWHERE, max_block_seconds=0.2, buffer_events=10, delivery_timeout_seconds=0.3)
    yield client
    try:
        client.close()
    except DeliveryError:
        assert client.statistics.pending == 0


def test_an_event_arrives_under_its_id_in_the_partition_that_java_would_choose(
    kafka: str, topic: str, topic_prefix: str
) -> None:
    with Client(kafka, topic_prefix=topic_prefix) as client:
        client.send(
            query_event(service="support-bot", latency_ms=412.5, event_id="e-1", occurred_at_ms=time.time_ns() // 10**6)
        )

    (record,) = records(kafka, topic)
    value = record.value() or b""
    assert (b"e-1", "support-bot", partition_of("e-1", PARTITIONS)) == (
        record.key(),
        json.loads(value)["service"],
        record.partition(),
    )


def test_events_of_many_threads_arrive_once_each(kafka: str, topic: str, topic_prefix: str) -> None:
    with Client(kafka, topic_prefix=topic_prefix) as client:

        def produce(thread: int) -> None:
            for number in range(500):
                client.send(query_event(service="a", latency_ms=1.0, event_id=f"{thread}-{number}"))

        threads = [threading.Thread(target=produce, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert Statistics(sent=2000, delivered=2000, failed=0, pending=0, refused=0) == client.statistics
    keys = Counter((record.key() or b"").decode() for record in records(kafka, topic))
    assert Counter(f"{thread}-{number}" for thread in range(4) for number in range(500)) == keys


async def test_an_event_loop_can_send_and_flush(kafka: str, topic: str, topic_prefix: str) -> None:
    async with Client(kafka, topic_prefix=topic_prefix) as client:
        await client.send_async(query_event(service="a", latency_ms=1.0))
        await client.flush_async()
        delivered = client.statistics.delivered

    assert (1, 1) == (delivered, len(records(kafka, topic)))


def test_a_topic_that_does_not_exist_is_named_in_the_error(kafka: str, topic_prefix: str) -> None:
    client = Client(kafka, topic_prefix=topic_prefix, delivery_timeout_seconds=2)
    client.send(query_event(service="a", latency_ms=1.0))

    with pytest.raises(DeliveryError) as caught:
        client.close()
    assert 1 == caught.value.failed


def test_a_refused_event_is_counted_and_not_sent(unreachable: Client) -> None:
    with pytest.raises(InvalidEventError):
        unreachable.send({"event_id": "e-1"})

    assert Statistics(sent=0, delivered=0, failed=0, pending=0, refused=1) == unreachable.statistics


def test_events_that_are_given_up_are_told_one_by_one_and_summed_up_at_the_flush() -> None:
    told: list[DeliveryFailure] = []
    client = Client(NOWHERE, on_error=told.append, delivery_timeout_seconds=0.3)
    for number in range(12):
        client.send(query_event(service="a", latency_ms=1.0, event_id=f"e-{number}"))

    with pytest.raises(
        DeliveryError, match=r"12 failed \(12 x Local: Message timed out\).*Connection refused"
    ) as caught:
        client.flush()

    assert {f"e-{number}" for number in range(12)} == {failure.event_id for failure in told}
    assert (12, 0, 10) == (caught.value.failed, caught.value.pending, len(caught.value.event_ids))
    client.close()  # told once: nothing is left to tell


def test_events_that_still_wait_after_the_timeout_are_counted_as_pending() -> None:
    client = Client(NOWHERE)
    client.send(query_event(service="a", latency_ms=1.0))

    with pytest.raises(DeliveryError, match="1 were not acknowledged in time") as caught:
        client.close(timeout_seconds=0.1)
    assert (0, 1) == (caught.value.failed, caught.value.pending)


def test_an_exception_in_on_error_is_shown_and_later_failures_are_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    told: list[str] = []
    monkeypatch.setattr(threading, "excepthook", shown.append)

    def fail_first(failure: DeliveryFailure) -> None:
        told.append(failure.event_id)
        if len(told) == 1:
            raise RuntimeError(failure.event_id)

    client = Client(NOWHERE, on_error=fail_first, delivery_timeout_seconds=0.2)
    for event_id in ("first", "second"):
        client.send(query_event(service="a", latency_ms=1.0, event_id=event_id))
        deadline = time.monotonic() + 10
        while event_id not in told and time.monotonic() < deadline:
            time.sleep(0.01)

    with pytest.raises(DeliveryError, match="2 failed"):
        client.close()
    assert (["first", "second"], [RuntimeError]) == (told, [hook.exc_type for hook in shown])


def test_a_full_buffer_holds_the_caller_no_longer_than_agreed() -> None:
    client = Client(NOWHERE, max_block_seconds=0.2, buffer_events=10)
    for _ in range(10):
        client.send(query_event(service="a", latency_ms=1.0))
    start = time.monotonic()

    with pytest.raises(BufferFullError, match=r"stayed full for 0.2 s \(10 events wait\)"):
        client.send(query_event(service="a", latency_ms=1.0))

    assert 0.2 <= time.monotonic() - start < 1.0
    with pytest.raises(DeliveryError, match="10 were not acknowledged"):
        client.close(0)


async def test_a_full_buffer_leaves_the_event_loop_running() -> None:
    client = Client(NOWHERE, max_block_seconds=0.3, buffer_events=10)
    gaps = []

    async def beat() -> None:
        before = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - before)
            before = time.monotonic()

    for _ in range(10):
        await client.send_async(query_event(service="a", latency_ms=1.0))
    heart = asyncio.create_task(beat())
    with pytest.raises(BufferFullError):
        await client.send_async(query_event(service="a", latency_ms=1.0))
    heart.cancel()

    assert len(gaps) >= 10
    assert max(gaps) < 0.2
    with pytest.raises(DeliveryError):
        client.close(0)


def test_room_in_the_buffer_ends_the_wait(unreachable: Client) -> None:
    unreachable._max_block_seconds = 10.0
    for _ in range(11):  # the first ten are given up after 0.3 s
        unreachable.send(query_event(service="a", latency_ms=1.0))

    assert unreachable.statistics.sent == 11


def test_a_closed_client_sends_nothing() -> None:
    client = Client(NOWHERE)
    client.close()
    client.close()

    with pytest.raises(DeliveryError, match="closed"):
        client.send(query_event(service="a", latency_ms=1.0))


def test_a_client_that_is_forgotten_flushes_and_warns(kafka: str, topic: str, topic_prefix: str) -> None:
    def send_and_forget() -> None:
        Client(kafka, topic_prefix=topic_prefix).send(query_event(service="a", latency_ms=1.0))
        gc.collect()

    with pytest.warns(ResourceWarning, match="was not closed"):
        send_and_forget()

    assert 1 == len(records(kafka, topic))


def test_importing_the_client_loads_nothing_heavy() -> None:
    heavy = {"faust", "river", "aiokafka", "numpy", "apprise", "pydantic", "rich", "typer"}
    code = f"import sys, ragpulse.client; print(sorted({heavy!r} & set(sys.modules)), 'ragpulse.agents' in sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert "[] False\n" == loaded
