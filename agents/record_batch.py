"""What a role reads: all records fetched at once for one partition, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import faust


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBatch:
    """Records of one partition in offset order, never empty. Columns are equally long; index i is one record.

    The batch accounts for every offset in [``position``, ``next_position``): an offset there without a record has none
    and never will (compaction, transaction markers, aborted transactions). Within an epoch, and without a seek, a batch's
    ``position`` is the ``next_position`` of the batch before it. If it lies beyond, the offsets between were deleted by
    retention before they were read; if it lies below, the partition was sought back.
    """

    topic: str
    partition: int
    epoch: int  # of the consumer when this was fetched
    position: int
    offsets: Sequence[int]
    timestamps_ms: Sequence[int]  # the broker's append time where the topic has LogAppendTime
    values: Sequence[bytes | None]
    keys: Sequence[bytes | None]
    headers: Sequence[Sequence[tuple[str, bytes]]]
    next_position: int  # where the next fetch begins
    log_end: int | None  # last stable offset: what lies below is readable; None where the broker has not said

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.offsets)


class BatchSchema(faust.Schema[None, RecordBatch]):
    """Hands a batch to the stream as it is. Topics of an app on the batch transport need it: ``app.topic(name, schema=BatchSchema())``."""

    def loads_key(self, app: Any, message: Any, **_options: Any) -> None:
        """Return None: a batch has one key a record."""

    def loads_value(self, app: Any, message: Any, **_options: Any) -> RecordBatch:  # noqa: ARG002  # Faust names them
        """Return the batch."""
        batch: RecordBatch = message.value
        return batch
