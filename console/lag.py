"""How far each role is behind: committed offset against the end of its topic, and the age of the oldest record in between."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from ragpulse.agents.settings import Settings
from ragpulse.console.record_reader import Extent, RecordReader
from ragpulse.streams.topology import ROLES, Role, topic


@dataclass(frozen=True, slots=True)
class Lag:
    """One partition of the topic that a role reads."""

    role: str
    topic: str  # with prefix
    partition: int
    committed: int | None  # None: the role has committed nothing there yet
    end: int
    lag: int  # records in between; those of an open segment are read and not yet committed
    age_seconds: float | None  # since the first of them was written; None where there is none


def lags(settings: Settings) -> list[Lag]:
    """Return the lag of each role and partition.

    Raises:
        BrokerUnavailableError, CredentialsError, ConfigurationError: see `RecordReader`.

    """
    return [lag for role in ROLES for lag in _of_role(role, settings)]


def _of_role(role: Role, settings: Settings) -> list[Lag]:
    read = topic(role.reads)
    # The group of a role is its app's id, see ragpulse.agents.worker.
    with RecordReader(settings, read, group=role.name) as reader:
        extents, committed = reader.extents(), reader.committed()
        behind = {it.partition: start for it in extents if (start := _start(it, committed)) < it.end}
        written = reader.written_at_ms(behind) if behind else {}
    now_ms = time.time_ns() // 1_000_000
    return [
        Lag(
            role=role.name,
            topic=read.full_name(settings.topic_prefix),
            partition=it.partition,
            committed=committed.get(it.partition),
            end=it.end,
            lag=max(0, it.end - _start(it, committed)),
            age_seconds=max(0, now_ms - written[it.partition]) / 1000 if it.partition in written else None,
        )
        for it in extents
    ]


def _start(extent: Extent, committed: Mapping[int, int]) -> int:
    return max(extent.first, committed.get(extent.partition, extent.first))
