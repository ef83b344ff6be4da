"""A worker that stood still ends with 75 and writes nothing on waking: real processes, really stopped."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from broker_fixture import CreateTopic
from ragpulse.agents import fencing
from ragpulse.agents.fencing import FencedEventLoop, FencedSelector, beat_or_die, fenced_event_loop

SESSION_SECONDS = 1.0  # so the limit is 0.8 s

PROGRAM = f"""
import asyncio, sys, time
from ragpulse.agents.fencing import beat_or_die, fenced_event_loop

def write():
    open(sys.argv[1], "w").close()

def ready():
    print("ready", flush=True)

async def main():
{{body}}

loop = fenced_event_loop({SESSION_SECONDS})
loop.run_until_complete(main())
loop.close()
"""


def started(body: str, *arguments: str) -> subprocess.Popen[str]:
    """Run ``body`` on a fenced loop in a process, and wait until it says that it is ready."""
    indented = "".join(f"    {line}\n" for line in body.strip().splitlines())
    command = [sys.executable, "-c", PROGRAM.format(body=indented), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    return process


def stand_still(process: subprocess.Popen[str], seconds: float) -> None:
    process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("file", list("abcde"))  # in which order a woken process runs its threads is not up to it
def test_a_process_that_was_stopped_ends_before_it_writes(tmp_path: Path, file: str) -> None:
    body = """
asyncio.get_running_loop().call_later(0.2, write)
ready()
await asyncio.sleep(5)
"""
    process = started(body, str(tmp_path / file))
    stand_still(process, 1.2)
    _, errors = process.communicate(timeout=10)

    assert 75 == process.returncode
    assert [] == list(tmp_path.iterdir())
    assert "ending with 75" in errors


def test_a_short_stop_is_survived(tmp_path: Path) -> None:
    body = """
asyncio.get_running_loop().call_later(0.2, write)
ready()
await asyncio.sleep(1)
"""
    process = started(body, str(tmp_path / "written"))
    stand_still(process, 0.3)
    process.communicate(timeout=10)

    assert 0 == process.returncode
    assert (tmp_path / "written").exists()


def test_a_record_that_waited_in_the_producer_is_not_sent_on_waking(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("written")
    body = """
from aiokafka import AIOKafkaProducer
producer = AIOKafkaProducer(bootstrap_servers=sys.argv[1], linger_ms=500)
await producer.start()
await producer.partitions_for(sys.argv[2])
await producer.send(sys.argv[2], b"zombie")
ready()
await asyncio.sleep(5)
"""
    process = started(body, kafka, topic)
    stand_still(process, 1.2)
    process.communicate(timeout=10)

    assert 75 == process.returncode
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "none"})
    assert (0, 0) == consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
    consumer.close()


def test_a_blocked_loop_is_ended_and_shows_where_it_hangs(tmp_path: Path) -> None:
    body = """
def hang_in_a_rule():
    time.sleep(60)
    write()
ready()
hang_in_a_rule()
"""
    process = started(body, str(tmp_path / "written"))
    _, errors = process.communicate(timeout=10)

    assert 75 == process.returncode
    assert "has been blocked for" in errors
    assert "hang_in_a_rule" in errors
    assert [] == list(tmp_path.iterdir())


def test_the_end_does_not_wait_for_a_reader_of_stderr() -> None:
    body = """
import fcntl, os
fcntl.fcntl(2, 1031, 4096)  # F_SETPIPE_SZ
os.write(2, b"x" * 4096)
ready()
time.sleep(60)
"""
    process = started(body)

    assert 75 == process.wait(10)
    process.communicate(timeout=10)


def test_an_idle_loop_lives_on() -> None:
    process = started("ready()\nawait asyncio.sleep(2)")
    process.communicate(timeout=10)

    assert 0 == process.returncode


class Clock:
    """Time that moves by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class EndedError(Exception):
    """Instead of the end of the test's own process."""


@pytest.fixture(autouse=True)
def no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(what: str, **_options: bool) -> None:
        raise EndedError(what)

    monkeypatch.setattr(fencing, "end_stuck", end)


def test_select_ends_the_process_at_the_limit_and_not_below(clock: Clock) -> None:
    with FencedSelector(8.0, clock) as selector:
        clock.now += 7.9
        assert [] == selector.select(0)
        clock.now += 8.0
        with pytest.raises(EndedError, match=r"stood still for 8\.0 s \(limit 8 s\)"):
            selector.select(0)


def test_a_wait_without_end_is_cut_so_that_an_idle_loop_beats(clock: Clock) -> None:
    with FencedSelector(0.4, clock) as selector:
        before = time.monotonic()
        assert [] == selector.select(None)
        assert [] == selector.select(60.0)
        assert time.monotonic() - before < 0.4


def test_a_long_step_is_noticed_before_it_writes(clock: Clock) -> None:
    loop = FencedEventLoop(FencedSelector(8.0, clock))

    async def compute_then_write() -> None:
        clock.now += 7.9
        beat_or_die()
        clock.now += 0.1
        with pytest.raises(EndedError, match=r"took 8\.0 s"):
            beat_or_die()
        clock.now -= 8.0  # else the loop ends as well

    loop.run_until_complete(compute_then_write())
    loop.close()


def test_the_time_between_two_runs_of_a_loop_is_no_standstill(clock: Clock) -> None:
    loop = FencedEventLoop(FencedSelector(8.0, clock))

    loop.run_until_complete(asyncio.sleep(0))
    clock.now += 100.0
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


async def test_an_ordinary_loop_has_no_fence() -> None:
    beat_or_die()


def test_the_limit_is_four_fifths_of_the_session() -> None:
    loop = fenced_event_loop(10.0)
    assert 8.0 == loop.fence.limit_seconds
    loop.close()


def test_the_clock_counts_suspended_time() -> None:
    assert abs(time.clock_gettime(time.CLOCK_BOOTTIME) - fencing.boot_seconds()) < 1.0
