"""Columns hold what aiokafka's own reading would give, record by record."""

import struct
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, FetchError, FetchResult, PartitionRecords
from aiokafka.consumer.subscription_state import Assignment
from aiokafka.errors import CorruptRecordException, TopicAuthorizationFailedError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from ragpulse.agents.fetched_columns import Columns, take_fetched

TP = TopicPartition("events", 0)
ABORT, COMMIT = 0, 1
CONTROL, APPEND_TIME = 0x20, 0x08


@dataclass(frozen=True)
class Batch:
    """One of Kafka's batches. ``marker``: it holds nothing but the end of the producer's transaction."""

    records: int = 1
    producer: int | None = None
    marker: int | None = None
    gap: int = 0  # offsets at its end whose records were compacted away
    codec: int = 0
    append_time: bool = False


def log_of(batches: list[Batch]) -> tuple[bytes, list[tuple[int, int]]]:
    """The bytes of a log, and what the broker says with them: producers and first offsets of aborted transactions."""
    data, offset = b"", 0
    open_at: dict[int, int] = {}
    aborted: list[tuple[int, int]] = []
    for batch in batches:
        data += encoded(batch, offset)
        if batch.producer is not None and batch.marker is None:
            open_at.setdefault(batch.producer, offset)
        elif batch.producer in open_at:
            first = open_at.pop(batch.producer)
            if batch.marker == ABORT:
                aborted.append((batch.producer, first))
        offset += batch.records + batch.gap
    return data, aborted


def encoded(batch: Batch, offset: int) -> bytes:
    producer = -1 if batch.producer is None else batch.producer
    builder = DefaultRecordBatchBuilder(2, batch.codec, batch.producer is not None, producer, 0, 0, 1 << 20)
    for index in range(batch.records):
        key = struct.pack(">hh", 0, batch.marker) if batch.marker is not None else (b"k" if index % 2 else None)
        value = None if index % 5 == 4 else b"%d" % (offset + index)
        builder.append(index, 1_700_000_000_000 + index, key, value, [("h", b"1")] * (index % 3))
    data = bytearray(builder.build())
    attributes, last = struct.unpack_from(">hi", data, 21)
    attributes |= CONTROL * (batch.marker is not None) | APPEND_TIME * batch.append_time
    struct.pack_into(">hi", data, 21, attributes, last + batch.gap)
    struct.pack_into(">q", data, 0, offset)
    struct.pack_into(">I", data, 17, calc_crc32c(bytes(data[21:])))
    return bytes(data)


PLAIN = st.builds(Batch, st.integers(1, 12), gap=st.integers(0, 3), codec=st.integers(0, 4), append_time=st.booleans())
TRANSACTIONAL = st.builds(Batch, st.integers(1, 4), st.integers(1, 3), gap=st.integers(0, 1), codec=st.integers(0, 1))
MARKER = st.builds(Batch, st.just(1), st.integers(1, 3), st.sampled_from([ABORT, COMMIT]))
LOGS = st.lists(st.one_of(PLAIN, TRANSACTIONAL, MARKER), min_size=1, max_size=12)


def source(batches: list[Batch], position: int = 0, isolation: int = READ_COMMITTED) -> PartitionRecords:
    data, aborted = log_of(batches)
    return PartitionRecords(TP, MemoryRecords(data), aborted, position, None, None, True, isolation)


def fetcher_with(records: dict[TopicPartition, Any]) -> Any:
    return SimpleNamespace(_records=records, _wait_consume_future=None, _notify=lambda _: None)


async def fetched(records: PartitionRecords, tp: TopicPartition = TP) -> FetchResult:
    assignment = Assignment([tp])
    assignment.state_value(tp).seek(records.next_fetch_offset)
    return FetchResult(tp, assignment=assignment, partition_records=records, backoff=0)


def rows(columns: list[Columns]) -> list[tuple[Any, ...]]:
    return [
        row
        for each in columns
        for row in zip(each.offsets, each.timestamps_ms, each.values, each.keys, map(tuple, each.headers), strict=True)
    ]


@given(LOGS, st.integers(0, 30), st.integers(1, 30), st.sampled_from([READ_COMMITTED, READ_UNCOMMITTED]))
async def test_columns_are_what_aiokafka_reads(batches: list[Batch], position: int, limit: int, isolation: int) -> None:
    reference = source(batches, position, isolation)
    expected = [(r.offset, r.timestamp, r.value, r.key, tuple(r.headers)) for r in reference]
    result = await fetched(source(batches, position, isolation))
    fetcher, taken = fetcher_with({TP: result}), []
    while fetcher._records:
        taken.append(take_fetched(fetcher, limit)[TP])

    assert expected == rows(taken)
    assert reference.next_fetch_offset == taken[-1].end == result._assignment.state_value(TP).position
    assert [each.start for each in taken] == [position, *(each.end for each in taken[:-1])]
    assert all(len(each.offsets) < limit + 12 for each in taken)


async def test_a_damaged_batch_is_not_read() -> None:
    data = bytearray(log_of([Batch(3)])[0])
    data[-2] ^= 1
    damaged = PartitionRecords(TP, MemoryRecords(bytes(data)), [], 0, None, None, True, READ_COMMITTED)

    with pytest.raises(CorruptRecordException, match="Invalid CRC"):
        take_fetched(fetcher_with({TP: await fetched(damaged)}), 100)


async def test_checksums_are_left_out_where_the_settings_say_so() -> None:
    data = bytearray(log_of([Batch(1)])[0])
    data[17] ^= 1
    unchecked = PartitionRecords(TP, MemoryRecords(bytes(data)), [], 0, None, None, False, READ_COMMITTED)

    assert [0] == take_fetched(fetcher_with({TP: await fetched(unchecked)}), 100)[TP].offsets


async def test_an_error_is_raised_once_nothing_else_is_left() -> None:
    other = TopicPartition("events", 1)
    error = FetchError(error=TopicAuthorizationFailedError("events"), backoff=0)
    fetcher = fetcher_with({TP: await fetched(source([Batch(2)])), other: error})

    assert [0, 1] == take_fetched(fetcher, 100)[TP].offsets
    with pytest.raises(TopicAuthorizationFailedError):
        take_fetched(fetcher, 100)
    assert {} == take_fetched(fetcher, 100)


async def test_what_was_fetched_before_a_seek_is_dropped() -> None:
    result = await fetched(source([Batch(5)]))
    result._assignment.state_value(TP).seek(3)
    fetcher = fetcher_with({TP: result})

    assert {} == take_fetched(fetcher, 100)
    assert {} == fetcher._records
