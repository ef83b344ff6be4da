"""Offsets without a record: what a batch says about them."""

import asyncio

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from faust.types import TP

from batch_app import Reader, contiguous, produce, running, transaction, until
from broker_fixture import CreateTopic


def numbered(amount: int, first: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + amount)]


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
