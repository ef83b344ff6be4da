"""Epochs of the batch transport: what a rebalance ends, and what it must not lose."""

import asyncio
import time
from collections import defaultdict
from itertools import pairwise

from faust.types import TP

from batch_app import Reader, committed, produce, produce_batches, running, until
from broker_fixture import CreateTopic
from ragpulse.agents.record_batch import RecordBatch


def numbered(amount: int) -> list[bytes]:
    return [b"%d" % number for number in range(amount)]


def read_since(epoch: int, reader: Reader, partition: int) -> list[int]:
    return [
        offset
        for batch in reader.batches
        if batch.epoch >= epoch and batch.partition == partition
        for offset in batch.offsets
    ]


async def test_a_rebalance_voids_the_batch_in_hand_and_all_that_was_fetched(
    kafka: str, create_topic: CreateTopic
) -> None:
    topic = create_topic("events", 2)
    for partition in range(2):
        produce_batches(kafka, topic, 1000, partition=partition)
    first, second = (Reader(kafka, f"{topic}-group", topic, broker_max_poll_records=100) for _ in range(2))
    go_on, marked = asyncio.Event(), []

    async def hold(batch: RecordBatch) -> None:
        if batch is first.batches[0]:
            await go_on.wait()
            marked.append(first.consumer.mark(TP(topic, batch.partition), batch.next_position, "", batch.epoch))

    first.on_batch = hold
    async with running(first):
        await until(lambda: len(first.batches) == 1)
        await asyncio.sleep(0.5)  # the buffer is full
        epoch = first.consumer.epoch
        async with running(second):
            await until(lambda: first.consumer.epoch == epoch + 2)  # revoked, assigned
            go_on.set()
            await until(lambda: len(first.values()) >= 1100 and len(second.values()) >= 1000)
            await asyncio.sleep(0.5)

    assert [False] == marked
    assert [epoch] + [epoch + 2] * 10 == [batch.epoch for batch in first.batches]
    [owned_by_first] = {batch.partition for batch in first.batches[1:]}
    assert list(range(1000)) == read_since(epoch + 2, first, owned_by_first)
    assert list(range(1000)) == second.offsets(1 - owned_by_first)


async def test_every_partition_is_continued_at_its_commit(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events", 2)
    for partition in range(2):
        produce(kafka, topic, numbered(100), partition=partition)
    first, second = (Reader(kafka, f"{topic}-group", topic) for _ in range(2))

    async with running(first):
        await first.until_read(200)
        for partition in range(2):
            assert first.consumer.mark(TP(topic, partition), 60, "", first.consumer.epoch)
        await first.consumer.commit_marks()
        epoch = first.consumer.epoch
        async with running(second):
            await until(lambda: len(first.values()) == 240 and len(second.values()) == 40)
            later = [batch for batch in first.batches if batch.epoch > epoch]
            assert {60} == {batch.position for batch in [*later, *second.batches]}
            [mine] = {batch.partition for batch in second.batches}
            second.consumer.mark(TP(topic, mine), 80, "", second.consumer.epoch)
        await until(lambda: read_since(epoch + 4, first, mine) == list(range(80, 100)))

    assert (80, "") == await committed(kafka, f"{topic}-group", topic, mine)


async def test_a_member_without_a_partition_is_told_so(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    produce(kafka, topic, numbered(10))
    members = [Reader(kafka, f"{topic}-group", topic) for _ in range(2)]

    async with running(*members):
        await until(lambda: [0, 1] == sorted(len(partitions) for partitions in last_assignments(members)))
        await until(lambda: any(len(member.values()) >= 10 for member in members))


def last_assignments(members: list[Reader]) -> list[set[TP]]:
    return [member.assignments[-1][0] for member in members if member.assignments]


async def test_partitions_are_revoked_at_once_and_marks_with_them(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    produce(kafka, topic, numbered(10))
    first, second = (Reader(kafka, f"{topic}-group", topic, broker_commit_interval=60.0) for _ in range(2))

    async with running(first):
        await first.until_read(10)
        first.consumer.mark(TP(topic, 0), 5, "", first.consumer.epoch)
        epoch = first.consumer.epoch
        async with running(second):
            assert {TP(topic, 0)} == first.revocations[-1]
            assert not first.consumer.mark(TP(topic, 0), 6, "", epoch)
            assert {} == await first.consumer.commit_marks()
            assert not await seek_of_epoch(first, TP(topic, 0), epoch)

    assert await committed(kafka, f"{topic}-group", topic) is None


async def seek_of_epoch(reader: Reader, tp: TP, epoch: int) -> bool:
    """Seek as a role would that has not noticed the end of its epoch."""
    thread = reader.consumer._thread
    return bool(await thread.run(thread.seek_to_positions({tp: 3}, epoch)))


async def test_a_take_over_ends_with_its_epoch(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events")
    produce(kafka, topic, numbered(10))
    first, second = (Reader(kafka, f"{topic}-group", topic) for _ in range(2))
    ended: list[int] = []

    async def take_long(_partitions: set[TP], epoch: int) -> None:
        try:
            await asyncio.sleep(60.0 if len(first.assignments) == 1 else 0.0)
        except asyncio.CancelledError:
            ended.append(epoch)
            raise

    first.on_assigned = take_long
    async with running(first):
        await until(lambda: len(first.assignments) == 1)
        async with running(second):
            await until(lambda: len(first.assignments) == 2)
        await until(lambda: len(first.values()) + len(second.values()) >= 10)

    assert [first.assignments[0][1]] == ended


async def test_members_that_come_and_go_under_load_lose_no_record(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("events", 3)
    members = [committing(Reader(kafka, f"{topic}-group", topic, broker_max_poll_records=50)) for _ in range(4)]
    writing = asyncio.create_task(asyncio.to_thread(write_slowly, kafka, topic))

    async with running(members[0]):
        for member in members[1:]:
            async with running(member):
                await asyncio.sleep(1.0)
        await writing
        await until(lambda: all(found(members, partition) == set(range(2000)) for partition in range(3)))

    for member in members:
        for run in runs(member.batches).values():
            assert all(before.next_position == after.position for before, after in pairwise(run))
    starts = [run[0].position for member in members for run in runs(member.batches).values()]
    assert 6 <= len(starts)


def committing(reader: Reader) -> Reader:
    """Commit after each batch, and see to it that each epoch begins at the commit."""
    expected: dict[TP, int] = {}

    async def take_over(partitions: set[TP], _epoch: int) -> None:
        found = await reader.consumer.committed(partitions)
        expected.update({tp: (known[0] if known else 0) for tp, known in found.items()})

    async def check(batch: RecordBatch) -> None:
        tp = TP(batch.topic, batch.partition)
        assert expected[tp] == batch.position
        expected[tp] = batch.next_position
        if reader.consumer.mark(tp, batch.next_position, "", batch.epoch):
            await reader.consumer.commit_marks()

    reader.on_assigned, reader.on_batch = take_over, check
    return reader


def write_slowly(kafka: str, topic: str) -> None:
    for _ in range(40):
        for partition in range(3):
            produce(kafka, topic, numbered(50), partition=partition)
        time.sleep(0.1)


def found(members: list[Reader], partition: int) -> set[int]:
    return {offset for member in members for offset in member.offsets(partition)}


def runs(batches: list[RecordBatch]) -> dict[tuple[int, int], list[RecordBatch]]:
    """Batches of one member by epoch and partition."""
    grouped = defaultdict(list)
    for batch in batches:
        grouped[batch.epoch, batch.partition].append(batch)
    return grouped
