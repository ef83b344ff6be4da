"""Reading through `batch://` from a real broker."""

import asyncio
from pathlib import Path

import pytest
from confluent_kafka import Producer
from faust.transport.drivers import by_url
from faust.types import TP

from batch_app import Reader, contiguous, produce, produce_batches, running, until
from broker_fixture import CreateTopic
from marking_worker import line_of, worker
from ragpulse.agents import batch_transport
from ragpulse.agents.record_batch import RecordBatch


def numbered(amount: int, first: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + amount)]


def test_the_scheme_batch_names_the_transport() -> None:
    assert batch_transport.Transport is by_url("batch://localhost:9092")


async def test_records_of_a_partition_arrive_together_in_offset_order(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events", 2)
    produce(kafka, topic, numbered(500), partition=0)
    produce(kafka, topic, numbered(300), partition=1)
    reader = Reader(kafka, f"{topic}-group", topic)

    async with running(reader):
        await reader.until_read(800)

    assert list(range(500)) == reader.offsets(0)
    assert numbered(300) == reader.values(1)
    assert len(reader.batches) < 20


async def test_every_column_of_a_record_is_kept(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events", 1, {"message.timestamp.type": "CreateTime"})
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(topic, b"value", b"key", timestamp=1_700_000_000_123, headers=[("a", b"1"), ("a", b"2")])
    producer.produce(topic, None, b"tombstone", timestamp=1_700_000_000_124)
    producer.produce(topic, b"", timestamp=1_700_000_000_125, headers=[("null", None)])
    producer.flush(30)
    reader = Reader(kafka, f"{topic}-group", topic)

    async with running(reader):
        await reader.until_read(3)

    [batch] = reader.batches
    assert [b"value", None, b""] == batch.values
    assert [b"key", b"tombstone", None] == batch.keys
    assert [1_700_000_000_123, 1_700_000_000_124, 1_700_000_000_125] == batch.timestamps_ms
    assert [(("a", b"1"), ("a", b"2")), (), (("null", None),)] == [tuple(headers) for headers in batch.headers]
    assert (0, 3, 3, 3) == (batch.position, batch.next_position, batch.log_end, len(batch))


async def test_the_timestamp_is_the_append_time_where_the_topic_says_so(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events", 1, {"message.timestamp.type": "LogAppendTime"})
    producer = Producer({"bootstrap.servers": kafka})
    appended: list[int] = []
    producer.produce(topic, b"x", timestamp=1, callback=lambda _, message: appended.append(message.timestamp()[1]))
    producer.flush(30)
    reader = Reader(kafka, f"{topic}-group", topic)

    async with running(reader):
        await reader.until_read(1)

    assert appended == reader.batches[0].timestamps_ms


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_compressed_records_are_read(kafka: str, create_topic: CreateTopic, codec: str) -> None:
    topic = create_topic("events")
    produce(kafka, topic, numbered(1000), compression_type=codec)
    reader = Reader(kafka, f"{topic}-group", topic)

    async with running(reader):
        await reader.until_read(1000)

    assert numbered(1000) == reader.values()


async def test_batches_follow_each_other_without_a_hole(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    produce_batches(kafka, topic, 1000)
    reader = Reader(kafka, f"{topic}-group", topic, broker_max_poll_records=100)

    async with running(reader):
        await reader.until_read(1000)

    assert list(range(1000)) == reader.offsets()
    assert [100] * 10 == [len(batch) for batch in reader.batches]
    assert contiguous(reader.batches)


async def test_an_empty_topic_delivers_nothing_until_a_record_comes(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    reader = Reader(kafka, f"{topic}-group", topic)

    async with running(reader):
        await until(lambda: reader.consumer.at_end(TP(topic, 0)))
        await asyncio.sleep(1.5)  # longer than one poll
        assert [] == reader.batches
        produce(kafka, topic, [b"first"])
        await reader.until_read(1)

    assert (0, 1) == (reader.batches[0].position, reader.batches[0].next_position)


async def test_several_topics_and_agents_share_a_consumer(kafka: str, create_topic: CreateTopic) -> None:
    topics = [create_topic("a", 2), create_topic("b")]
    produce(kafka, topics[0], numbered(10), partition=1)
    produce(kafka, topics[1], numbered(20))
    reader = Reader(kafka, f"{topics[0]}-group", *topics)

    async with running(reader):
        await reader.until_read(30)

    assert {(topics[0], 1), (topics[1], 0)} == {(batch.topic, batch.partition) for batch in reader.batches}


async def test_a_slow_agent_stops_the_reader_and_so_bounds_memory(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    produce_batches(kafka, topic, 2000)
    reader = Reader(kafka, f"{topic}-group", topic, broker_max_poll_records=100)
    go_on = asyncio.Event()

    async def wait(_: RecordBatch) -> None:
        await go_on.wait()

    reader.on_batch = wait
    async with running(reader):
        await reader.until_read(100)
        await asyncio.sleep(1.0)
        position = reader.consumer.position(TP(topic, 0))
        go_on.set()
        await reader.until_read(2000)

    assert 400 == position  # one in hand, two in the stream's buffer, one that waits before it
    assert list(range(2000)) == reader.offsets()


async def test_after_a_seek_nothing_fetched_before_reaches_the_agent(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    produce_batches(kafka, topic, 1000)
    reader = Reader(kafka, f"{topic}-group", topic, broker_max_poll_records=100)
    sought: list[bool] = []

    async def seek_once(_: RecordBatch) -> None:
        if not sought:
            await asyncio.sleep(0.5)  # the buffer is full of records fetched before
            sought.append(await reader.consumer.seek_to(TP(topic, 0), 950))

    reader.on_batch = seek_once
    async with running(reader):
        await until(lambda: b"999" in reader.values())
        await reader.consumer.seek_to(TP(topic, 0), 10)
        await until(lambda: reader.values().count(b"999") == 2)

    assert [True] == sought
    assert [*range(100), *range(950, 1000), *range(10, 1000)] == reader.offsets()
    assert [0, 950, 10] == [batch.position for batch in reader.batches if batch.position in (0, 950, 10)]


async def test_no_acknowledgement_is_kept(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    produce(kafka, topic, numbered(100))
    reader = Reader(kafka, f"{topic}-group", topic, broker_max_poll_records=10)

    async with running(reader):
        await reader.until_read(100)
        assert {} == dict(reader.consumer._acked)
        assert {} == dict(reader.consumer._gap)
        assert 0 == len(reader.consumer.unacked)


def test_a_large_backlog_is_read_in_bounded_memory(kafka: str, create_topic: CreateTopic, tmp_path: Path) -> None:
    topic = create_topic("events", 4)
    for partition in range(4):
        produce(kafka, topic, [b"x" * 700] * 100_000, partition=partition, linger_ms="50", batch_size="200000")
    with worker(kafka, topic, tmp_path) as process:
        unread = 400_000
        while unread:
            _, first, last = line_of(process, "read").split()
            unread -= int(last) - int(first) + 1
        status = Path(f"/proc/{process.pid}/status").read_text()

    [peak] = [int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM")]
    assert peak < 150  # MB; it holds 280 MB of records in all
