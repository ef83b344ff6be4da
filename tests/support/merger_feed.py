"""Timelines for a merger: what is appended to its log, and what it writes."""

from dataclasses import replace
from typing import Any

import msgspec

from fake_ingest import Event, Reader, Record, Worker, place
from merger_runs import LOG_START_MS, policy
from ragpulse.schemas.policy import Policy
from ragpulse.schemas.window_partial import Flush
from ragpulse.streams.windows.merger import Merger
from ragpulse.streams.windows.outbox import Output
from ragpulse.streams.windows.state import MergerSettings

T0 = 1_800_000_000_000  # a multiple of 4 h
HOUR_MS = 3_600_000
NOTHING_PROMISED = policy()


class Feed:
    """A merger and the log it reads."""

    def __init__(self, promised: Policy = NOTHING_PROMISED, settings: MergerSettings | None = None) -> None:
        self.promised, self.settings = promised, settings
        self.merger = Merger(promised, settings)
        self.now_ms = LOG_START_MS
        self.offset = 0
        self.outputs: list[Output] = []

    def take(self, flush: Flush, after_ms: int = 500) -> list[Output]:
        """Append a flush to the log and step it; JSON in between, as on the wire."""
        self.now_ms += after_ms
        decoded = msgspec.json.decode(msgspec.json.encode(flush), type=Flush)
        outputs = list(self.merger.step(self.offset, self.now_ms, decoded).outputs)
        self.offset += 1
        self.outputs += outputs
        return outputs

    def take_all(self, worker: Worker) -> list[Output]:
        """Read a worker's partitions to the end, flush, commit and flush again."""
        for reader in worker.readers.values():
            reader.read(len(reader.placed))
        outputs = self.take(worker.flush())
        worker.commit()
        return outputs + self.take(worker.flush()) + self.take(worker.flush())

    def restart(self) -> None:
        self.merger = Merger.restore(self.merger.snapshot(), self.promised, self.settings)


def event(at_ms: int, **fields: Any) -> Record:
    """An event that arrives as it happens."""
    return Record(T0 + at_ms, replace(Event(T0 + at_ms), **fields))


def tick(at_ms: int) -> Record:
    return Record(T0 + at_ms)


def only(partition: int, log: list[Record], partitions: int = 2, topic_id: str = "topic-1") -> Worker:
    """A worker of one partition of several."""
    return Worker({partition: Reader(partition, place(log), topic_id=topic_id)}, partitions)
