"""Reading through `batch://` from a real broker."""

import asyncio
from itertools import pairwise

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from faust.transport.drivers import by_url
from faust.types import TP

from batch_app import Reader, produce, produce_batches, running, transaction, until
from broker_fixture import CreateTopic
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


async def test_aborted_records_and_markers_are_gaps_that_a_batch_accounts_for(
    kafka: str, create_topic: CreateTopic
) -> None:
    topic = create_topic("events")
    transaction(kafka, topic, [b"kept-0", b"kept-1"], commit=True)  # 0, 1, marker 2
    transaction(kafka, topic, [b"aborted"], commit=False)  # 3, marker 4
    produce(kafka, topic, [b"plain"])  # 5
    transaction(kafka, topic, [b"aborted"], commit=False)  # 6, marker 7
    reader = Reader(kafka, f"{topic}-group", topic)

    async with running(reader):
        await reader.until_read(3)
        await until(lambda: reader.consumer.at_end(TP(topic, 0)))
        position = reader.consumer.position(TP(topic, 0))

    assert [b"kept-0", b"kept-1", b"plain"] == reader.values()
    assert [0, 1, 5] == reader.offsets()
    assert 8 == position
    assert contiguous(reader.batches)


async def test_an_open_transaction_ends_the_readable_log(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    produce(kafka, topic, [b"before"])
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": topic})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"open")
    producer.flush(30)
    produce(kafka, topic, [b"behind"])
    reader = Reader(kafka, f"{topic}-group", topic)

    async with running(reader):
        await reader.until_read(1)
        await until(lambda: reader.consumer.at_end(TP(topic, 0)))
        ends = await reader.consumer.log_ends({TP(topic, 0)})
        assert [b"before"] == reader.values()
        producer.commit_transaction(30)
        await reader.until_read(3)

    assert {TP(topic, 0): 1} == ends
    assert [b"before", b"open", b"behind"] == reader.values()


async def test_gaps_of_a_compacted_topic_are_accounted_for(kafka: str, create_topic: CreateTopic) -> None:
    compacted = {
        "cleanup.policy": "compact",
        "segment.ms": "200",
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "300",
    }
    topic = create_topic("events", 1, compacted)
    producer = Producer({"bootstrap.servers": kafka})
    for number in range(50):
        producer.produce(topic, b"%d" % number, b"same key")
    producer.flush(30)
    await asyncio.sleep(0.3)
    producer.produce(topic, b"rolled", b"other key")  # the active segment is never cleaned: a later record closes it
    producer.flush(30)
    for _ in range(60):
        if await amount_readable(kafka, topic) == 2:
            break
        await asyncio.sleep(1.0)
    reader = Reader(kafka, f"{topic}-group", topic)

    async with running(reader):
        await until(lambda: b"rolled" in reader.values())

    assert [b"49", b"rolled"] == reader.values()
    assert (0, 51) == (reader.batches[0].position, reader.batches[-1].next_position)
    assert contiguous(reader.batches)


async def amount_readable(kafka: str, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "none", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, 0, 0)])
    messages = await asyncio.to_thread(consumer.consume, 1000, 5.0)
    consumer.close()
    return sum(message.error() is None for message in messages)


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


async def test_offsets_lost_to_retention_show_as_a_jump_of_the_position(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    produce(kafka, topic, numbered(100))
    first, second = (Reader(kafka, f"{topic}-group", topic) for _ in range(2))

    async with running(first):
        await first.until_read(100)
        first.consumer.mark(TP(topic, 0), 10, "", first.batches[0].epoch)
        assert {TP(topic, 0): 10} == await first.consumer.commit_marks()
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.delete_records([TopicPartition(topic, 0, 50)])[TopicPartition(topic, 0)].result(30)
    async with running(second):
        await second.until_read(50)
        starts = await second.consumer.log_starts({TP(topic, 0)})

    assert {TP(topic, 0): 50} == starts
    assert list(range(50, 100)) == second.offsets()
    assert 50 == second.batches[0].position


async def test_no_acknowledgement_is_kept(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    produce(kafka, topic, numbered(100))
    reader = Reader(kafka, f"{topic}-group", topic, broker_max_poll_records=10)

    async with running(reader):
        await reader.until_read(100)
        assert {} == dict(reader.consumer._acked)
        assert {} == dict(reader.consumer._gap)
        assert 0 == len(reader.consumer.unacked)


def contiguous(batches: list[RecordBatch]) -> bool:
    """Whether each batch of the one partition begins where the one before it ended, and holds its own offsets."""
    return all(before.next_position == after.position for before, after in pairwise(batches)) and all(
        batch.position <= batch.offsets[0] <= batch.offsets[-1] < batch.next_position for batch in batches
    )
