"""A worker that fails on purpose, at a point that no signal from outside can hit. Arguments: role, then faults.

``exit_at_commit=N``          it is gone, as by `kill -9`, when it comes to its N-th commit with something to commit
``refuse_cells=P``            the broker refuses the first record with cells for partition P of window-partials
``exit_at_send=TOPIC/N``      it is gone when it comes to hand over the N-th record for a topic, each taking a moment
``save_every_seconds=S``      alerting saves its state that often
``clock_ahead_seconds=S``     its clock is ahead
"""

import asyncio
import os
import sys
import time
from collections import Counter
from typing import Any

from aiokafka.errors import KafkaTimeoutError
from msgspec.json import decode

from ragpulse.agents import alerting
from ragpulse.agents.batch_transport import Consumer
from ragpulse.agents.outbox import Outbox
from ragpulse.console.cli import run
from ragpulse.schemas.window_partial import Flush
from ragpulse.streams.topology import WINDOW_PARTIALS

GONE = 137  # what a shell reports of a process that was killed


def put(owner: Any, name: str, faulty: Any) -> None:
    setattr(owner, name, faulty)


def exit_at_commit(number: str) -> None:
    commit_marks, seen = Consumer.commit_marks, Counter[str]()

    async def commit_or_exit(self: Consumer) -> Any:
        seen["commits"] += bool(self._marks.pending())
        if seen["commits"] >= int(number):
            os._exit(GONE)
        return await commit_marks(self)

    put(Consumer, "commit_marks", commit_or_exit)


def refuse_cells(partition: str) -> None:
    init = Outbox.__init__

    def with_refusal(self: Outbox, producer: Any, *rest: Any) -> None:
        init(self, producer, *rest)
        send = producer.send

        async def refuse(topic: str, key: Any, value: bytes, to: int | None, *more: Any) -> Any:
            is_flush = topic.endswith(f".{WINDOW_PARTIALS.name}") and to == int(partition)
            if not is_flush or not decode(value, type=Flush).segments:
                return await send(topic, key, value, to, *more)
            loop = asyncio.get_running_loop()
            refusal = loop.create_future()
            # Late enough for the other partitions to have what they were sent.
            loop.call_later(0.3, refusal.set_exception, KafkaTimeoutError("refused by the test"))
            return refusal

        producer.send = refuse

    put(Outbox, "__init__", with_refusal)


def exit_at_send(which: str) -> None:
    topic, number = which.split("/")
    send, seen = Outbox.send, Counter[str]()

    async def slowly(self: Outbox, name: str, *rest: Any, **options: Any) -> Any:
        await asyncio.sleep(0.02)
        seen[name] += 1
        if seen[topic] >= int(number):
            await asyncio.sleep(0.5)  # long enough for whatever else the worker does now and then
            os._exit(GONE)
        return await send(self, name, *rest, **options)

    put(Outbox, "send", slowly)


def save_every_seconds(seconds: str) -> None:
    put(alerting, "SAVE_SECONDS", float(seconds))


def clock_ahead_seconds(seconds: str) -> None:
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() + int(seconds)
    time.time_ns = lambda: now_ns() + int(seconds) * 10**9


FAULTS = {
    fault.__name__: fault
    for fault in (exit_at_commit, refuse_cells, exit_at_send, save_every_seconds, clock_ahead_seconds)
}

if __name__ == "__main__":
    for argument in sys.argv[2:]:
        name, _, value = argument.partition("=")
        FAULTS[name](value)
    sys.exit(run(["worker", sys.argv[1]]))
