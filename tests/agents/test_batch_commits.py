"""What the batch transport commits: marks, and nothing else."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IllegalGenerationError,
    KafkaError,
    NotCoordinatorForGroupError,
)
from faust.types import TP

from batch_app import SECONDS, Reader, committed, produce, running, until
from broker_fixture import CreateTopic
from marking_worker import line_of, worker
from ragpulse.schemas.errors import StuckError


@pytest.fixture
def topic(kafka: str, create_topic: CreateTopic) -> str:
    """A topic of one partition with 100 records."""
    name = create_topic("events")
    produce(kafka, name, [b"%d" % number for number in range(100)])
    return name


async def test_nothing_is_committed_without_a_mark(kafka: str, topic: str) -> None:
    reader = Reader(kafka, "group-of-" + topic, topic, broker_commit_interval=0.1)

    async with running(reader):
        await reader.until_read(100)
        await asyncio.sleep(1.0)
        assert {} == await reader.consumer.commit_marks()

    assert await committed(kafka, "group-of-" + topic, topic) is None


async def test_offset_and_metadata_of_a_mark_are_committed_and_found_again(kafka: str, topic: str) -> None:
    pins = "ä" + "x" * 3_900
    reader, successor = (Reader(kafka, "group-of-" + topic, topic) for _ in range(2))
    tp = TP(topic, 0)

    async with running(reader):
        await reader.until_read(100)
        assert {tp: None} == await reader.consumer.committed({tp})
        assert reader.consumer.mark(tp, 42, pins, reader.consumer.epoch)
        assert {tp: 42} == await reader.consumer.commit_marks()
        assert {tp: 42} == reader.consumer.confirmed
        assert {tp: (42, pins)} == await reader.consumer.committed({tp})
    async with running(successor):
        await successor.until_read(58)
        found = await successor.consumer.committed({tp})

    assert (42, pins) == await committed(kafka, "group-of-" + topic, topic)
    assert {tp: (42, pins)} == found
    assert list(range(42, 100)) == successor.offsets()


async def test_fausts_own_commit_writes_the_marks(kafka: str, topic: str) -> None:
    reader = Reader(kafka, "group-of-" + topic, topic, broker_commit_interval=0.1)

    async with running(reader):
        await reader.until_read(100)
        reader.consumer.mark(TP(topic, 0), 7, "seven", reader.consumer.epoch)
        await until(lambda: reader.consumer.confirmed.get(TP(topic, 0)) == 7)

    assert (7, "seven") == await committed(kafka, "group-of-" + topic, topic)


async def test_a_mark_of_the_last_moment_is_committed_as_the_app_stops(kafka: str, topic: str) -> None:
    reader = Reader(kafka, "group-of-" + topic, topic, broker_commit_interval=60.0)

    async with running(reader):
        await reader.until_read(100)
        reader.consumer.mark(TP(topic, 0), 9, "", reader.consumer.epoch)

    assert (9, "") == await committed(kafka, "group-of-" + topic, topic)


async def test_marks_that_go_back_are_foreign_or_stale_are_refused(kafka: str, topic: str) -> None:
    reader = Reader(kafka, "group-of-" + topic, topic, broker_commit_interval=60.0)

    async with running(reader):
        await reader.until_read(100)
        consumer, epoch = reader.consumer, reader.consumer.epoch
        assert consumer.mark(TP(topic, 0), 50, "good", epoch)
        assert not consumer.mark(TP(topic, 0), 49, "back", epoch)
        assert not consumer.mark(TP(topic, 1), 60, "foreign", epoch)
        assert not consumer.mark(TP(topic, 0), 60, "stale", epoch - 1)
        assert not consumer.mark(TP(topic, 0), 60, "early", epoch + 1)
        with pytest.raises(ValueError, match="the limit is 4096"):
            consumer.mark(TP(topic, 0), 60, "x" * 4097, epoch)
        assert {TP(topic, 0): 50} == await consumer.commit_marks()
        assert not consumer.mark(TP(topic, 0), 49, "back behind the commit", epoch)

    assert (50, "good") == await committed(kafka, "group-of-" + topic, topic)


async def test_a_failed_commit_is_tried_again_until_the_broker_confirms(kafka: str, topic: str) -> None:
    reader = Reader(kafka, "group-of-" + topic, topic, broker_commit_interval=60.0)

    async with running(reader):
        await reader.until_read(100)
        reader.consumer.mark(TP(topic, 0), 30, "", reader.consumer.epoch)
        with failing_commits(reader, NotCoordinatorForGroupError(), times=3) as calls:
            assert {TP(topic, 0): 30} == await reader.consumer.commit_marks()

    assert [30] * 3 == calls
    assert (30, "") == await committed(kafka, "group-of-" + topic, topic)


async def test_a_commit_that_the_broker_refuses_is_not_taken_for_done(kafka: str, topic: str) -> None:
    reader = Reader(kafka, "group-of-" + topic, topic, broker_commit_interval=60.0)

    async with running(reader):
        await reader.until_read(100)
        reader.consumer.mark(TP(topic, 0), 30, "", reader.consumer.epoch)
        with (
            failing_commits(reader, GroupAuthorizationFailedError(), times=1),
            pytest.raises(GroupAuthorizationFailedError),
        ):
            await reader.consumer.commit_marks()
        assert {} == reader.consumer.confirmed
        assert await committed(kafka, "group-of-" + topic, topic) is None
        assert {TP(topic, 0): 30} == await reader.consumer.commit_marks()


async def test_a_commit_without_an_answer_says_that_the_worker_is_stuck(kafka: str, topic: str) -> None:
    reader = Reader(kafka, "group-of-" + topic, topic, broker_commit_interval=60.0)

    async with running(reader):
        await reader.until_read(100)
        reader.consumer.mark(TP(topic, 0), 30, "", reader.consumer.epoch)
        reader.consumer.answer_seconds = 0.5
        with (
            failing_commits(reader, NotCoordinatorForGroupError(), times=1_000),
            pytest.raises(StuckError, match=r"did not answer within 0\.5 s"),
        ):
            await reader.consumer.commit_marks()
        reader.consumer.answer_seconds = 30.0
        assert {} == reader.consumer.confirmed


async def test_marks_that_a_rebalance_has_overtaken_are_dropped(kafka: str, topic: str) -> None:
    reader = Reader(kafka, "group-of-" + topic, topic, broker_commit_interval=60.0)

    async with running(reader):
        await reader.until_read(100)
        reader.consumer.mark(TP(topic, 0), 30, "", reader.consumer.epoch)
        with failing_commits(reader, IllegalGenerationError(), times=1):
            assert {} == await reader.consumer.commit_marks()
        assert {} == await reader.consumer.commit_marks()
        assert {} == reader.consumer.confirmed

    assert await committed(kafka, "group-of-" + topic, topic) is None


async def test_a_commit_is_never_sent_under_a_later_generation(kafka: str, topic: str) -> None:
    """aiokafka's own retry would: it writes the old offset over what the new owner has committed."""
    reader = Reader(kafka, "group-of-" + topic, topic, broker_commit_interval=60.0)

    async with running(reader):
        await reader.until_read(100)
        reader.consumer.mark(TP(topic, 0), 30, "", reader.consumer.epoch)
        coordinator = reader.consumer._thread._consumer._coordinator  # type: ignore[union-attr]  # it runs
        with failing_commits(reader, NotCoordinatorForGroupError(), times=1_000) as calls:
            committing = asyncio.ensure_future(reader.consumer.commit_marks())
            await until(lambda: len(calls) > 0)
            coordinator.generation += 1
            assert {} == await committing
        coordinator.generation -= 1

    assert await committed(kafka, "group-of-" + topic, topic) is None


async def test_commits_at_the_same_time_do_not_get_in_each_others_way(kafka: str, topic: str) -> None:
    reader = Reader(kafka, "group-of-" + topic, topic, broker_commit_interval=60.0)

    async with running(reader):
        await reader.until_read(100)
        reader.consumer.mark(TP(topic, 0), 30, "", reader.consumer.epoch)
        confirmed = await asyncio.gather(*(reader.consumer.commit_marks() for _ in range(5)))

    assert [{TP(topic, 0): 30}, {}, {}, {}, {}] == confirmed


async def test_a_killed_worker_is_continued_at_its_mark(kafka: str, create_topic: CreateTopic, tmp_path: Path) -> None:
    topic = create_topic("events")
    produce(kafka, topic, [b"x"] * 250)
    with worker(kafka, topic, tmp_path) as first:
        assert "committed 200" == line_of(first, "committed")
    with worker(kafka, topic, tmp_path) as second:
        assert line_of(second, "read").startswith("read 200 ")
        produce(kafka, topic, [b"x"] * 100)
        assert "committed 300" == line_of(second, "committed 300")
        second.terminate()
        assert 0 == second.wait(SECONDS)

    assert (300, "mark-300") == await committed(kafka, "group-of-" + topic, topic)


def test_a_worker_opens_no_port_and_leaves_no_file(kafka: str, create_topic: CreateTopic, tmp_path: Path) -> None:
    topic = create_topic("events")
    produce(kafka, topic, [b"x"])
    with worker(kafka, topic, tmp_path) as process:
        line_of(process, "read")
        assert [] == listening_ports(process.pid)

    assert [] == list(tmp_path.iterdir())


@contextmanager
def failing_commits(reader: Reader, error: KafkaError, times: int) -> Iterator[list[int]]:
    """Let the next commits fail as if the broker had answered with this error; yields the offsets they carried."""
    coordinator: Any = reader.consumer._thread._consumer._coordinator  # type: ignore[union-attr]  # it runs
    genuine = coordinator._do_commit_offsets
    failed: list[int] = []

    async def fail(assignment: Any, offsets: dict[Any, Any]) -> None:
        if len(failed) == times:
            await genuine(assignment, offsets)
            return
        failed.extend(offset.offset for offset in offsets.values())
        raise error

    coordinator._do_commit_offsets = fail
    yield failed
    coordinator._do_commit_offsets = genuine


def listening_ports(pid: int) -> list[str]:
    """Ports that a process listens on: sockets in state 0A of the kernel's table that are its own."""
    mine = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    tables = [Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:] for table in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in mine]
