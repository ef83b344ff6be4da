"""Takes what aiokafka has fetched as columns, without its object for each record: 0.7 µs a record instead of 1.5.

It stands in for `Fetcher.fetched_records`, `FetchResult.getall` and `PartitionRecords` of aiokafka 0.14 and keeps what they
keep: checksums, aborted transactions, control batches, positions, and that an error is raised only when nothing else is
left to hand over. Measured per record of 700 bytes, one core: checksum 0.37, decoding 0.15, columns 0.2 µs.
"""

# ruff: noqa: SLF001  # stands on the insides of aiokafka, pinned to 0.14, where there is no public way

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException
from aiokafka.structs import TopicPartition

_COLUMNS: Final = tuple(attrgetter(name) for name in ("offset", "timestamp", "value", "key"))


@dataclass(slots=True)
class Columns:
    """Records of one partition that were fetched together. They cover the offsets [``start``, ``end``)."""

    start: int
    end: int
    offsets: list[int] = field(default_factory=list)
    timestamps_ms: list[int] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    headers: list[Sequence[tuple[str, bytes]]] = field(default_factory=list)

    def append(self, records: list[Any]) -> None:
        """Add the records of one of Kafka's own batches."""
        columns: tuple[list[Any], ...] = (self.offsets, self.timestamps_ms, self.values, self.keys)
        for column, read in zip(columns, _COLUMNS, strict=True):
            column.extend(map(read, records))
        # The empty lists of records without headers would keep the garbage collector busy: half a microsecond a record.
        self.headers.extend([record.headers or () for record in records])


def take_fetched(fetcher: Any, limit: int) -> dict[TopicPartition, Columns]:
    """Take fetched records, partition after partition, and move their positions on. Must not be interrupted by an `await`.

    Ends with the batch of Kafka's with which ``limit`` records are reached. A partition may come without records: then
    its position moved over a gap.

    Raises:
        KafkaError: what fetching met with (authorisation, a damaged batch …), if there is nothing else to hand over.

    """
    taken: dict[TopicPartition, Columns] = {}
    for tp in list(fetcher._records):
        fetched = fetcher._records[tp]
        if isinstance(fetched, FetchResult):
            if fetched.check_assignment(tp):
                taken[tp] = _take_partition(fetched, limit)
                limit -= len(taken[tp].offsets)
            if not fetched.has_more():
                _forget(fetcher, tp)
            if limit <= 0:
                break
        elif not taken:
            _forget(fetcher, tp)
            fetched.check_raise()
    return taken


def _forget(fetcher: Any, tp: TopicPartition) -> None:
    del fetcher._records[tp]
    fetcher._notify(fetcher._wait_consume_future)  # so that it fetches on


def _take_partition(fetched: Any, limit: int) -> Columns:
    source = fetched._partition_records
    # Never run here, and in a cycle with its source: it would keep the fetched bytes until the next garbage collection.
    source._records_iterator = None
    columns = Columns(source.next_fetch_offset, source.next_fetch_offset)
    for batch in _readable_batches(source):
        columns.append(_unread(list(batch), source.next_fetch_offset))
        # The batch names its last offset also where compaction has removed that record.
        source.next_fetch_offset = batch.next_offset
        if len(columns.offsets) >= limit:
            break
    columns.end = source.next_fetch_offset
    fetched._update_position()
    if not source._records.has_next():
        fetched._partition_records = None
    return columns


def _readable_batches(source: Any) -> Iterator[Any]:
    """Yield Kafka's batches with events; step over markers and what was aborted."""
    while source._records.has_next():
        batch = source._records.next_batch()
        if source._check_crcs and not batch.validate_crc():
            message = f"Invalid CRC - {source._tp}"
            raise CorruptRecordException(message)
        if _is_aborted(source, batch) or batch.is_control_batch:
            source.next_fetch_offset = batch.next_offset
        else:
            yield batch


def _is_aborted(source: Any, batch: Any) -> bool:
    if source._isolation_level != READ_COMMITTED or batch.producer_id is None:
        return False
    source._consume_aborted_up_to(batch.base_offset)
    if batch.is_control_batch and source._contains_abort_marker(batch):
        source._aborted_producers.discard(batch.producer_id)
    return bool(batch.is_transactional and batch.producer_id in source._aborted_producers)


def _unread(records: list[Any], position: int) -> list[Any]:
    """Return the records from ``position`` on: the broker sends whole batches, also when asked for an offset inside."""
    if not records or records[0].offset >= position:
        return records
    return [record for record in records if record.offset >= position]
