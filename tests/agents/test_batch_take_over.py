"""How a role on the batch transport takes partitions over, and what ends the app."""

import asyncio
from typing import Any

from aiokafka.errors import GroupAuthorizationFailedError
from faust.types import TP

from batch_app import Reader, produce, produce_batches, running, until
from broker_fixture import CreateTopic
from ragpulse.agents.record_batch import RecordBatch


def numbered(amount: int) -> list[bytes]:
    return [b"%d" % number for number in range(amount)]


async def test_the_role_takes_over_before_the_first_record(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events", 2)
    produce(kafka, topic, numbered(50), partition=0)
    produce(kafka, topic, numbered(50), partition=1)
    reader = Reader(kafka, f"{topic}-group", topic)
    seen: list[object] = []

    async def take_over(partitions: set[TP], epoch: int) -> None:
        await asyncio.sleep(1.0)
        seen.append((sorted(partitions), epoch == reader.consumer.epoch, len(reader.batches)))
        seen.append(reader.consumer.mark(TP(topic, 0), 40, "start", epoch))
        seen.append(await reader.consumer.commit_marks())
        seen.append(await reader.consumer.seek_to(TP(topic, 0), 40))

    reader.on_assigned = take_over
    async with running(reader):
        await reader.until_read(60)

    tps = [TP(topic, 0), TP(topic, 1)]
    assert [(tps, True, 0), True, {tps[0]: 40}, True] == seen
    assert list(range(40, 50)) == reader.offsets(0)
    assert list(range(50)) == reader.offsets(1)


async def test_a_role_that_cannot_take_over_crashes_the_app(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    produce(kafka, topic, numbered(5))
    reader = Reader(kafka, f"{topic}-group", topic)

    async def refuse(_partitions: set[TP], _epoch: int) -> None:
        message = "pins of another fold version"
        raise RuntimeError(message)

    reader.on_assigned = refuse
    async with running(reader):
        await until(lambda: reader.crash_reason() is not None)

    assert "pins of another fold version" == str(reader.crash_reason())
    assert [] == reader.batches


async def test_a_role_that_cannot_let_go_crashes_the_app(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    first, second = (Reader(kafka, f"{topic}-group", topic) for _ in range(2))

    def refuse(_partitions: set[TP]) -> None:
        message = "a bug"
        raise RuntimeError(message)

    async with running(first):
        first.app.on_revoked_at_once = refuse
        async with running(second):
            await until(lambda: first.crash_reason() is not None)

    assert "a bug" == str(first.crash_reason())


async def test_a_dead_part_of_aiokafka_is_noticed(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    produce(kafka, topic, numbered(5))
    reader = Reader(kafka, f"{topic}-group", topic)

    async with running(reader):
        await reader.until_read(5)
        coordinator: Any = reader.consumer._thread._ensure_consumer()._coordinator
        coordinator._pending_exception = GroupAuthorizationFailedError(f"{topic}-group")
        await until(lambda: reader.crash_reason() is not None)

    assert isinstance(reader.crash_reason(), GroupAuthorizationFailedError)


async def test_an_agent_that_fails_is_not_started_again_behind_its_batch(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    produce_batches(kafka, topic, 500)
    reader = Reader(kafka, f"{topic}-group", topic, broker_max_poll_records=100)

    async def fail(batch: RecordBatch) -> None:
        if batch.position == 200:
            message = "a bug"
            raise RuntimeError(message)

    reader.on_batch = fail
    async with running(reader):
        await until(lambda: reader.crash_reason() is not None)
        await asyncio.sleep(0.5)

    assert list(range(300)) == reader.offsets()
