"""The records of one fetch of one partition, as columns, and where segments are cut in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.segment import FoldParameters

Headers = Sequence[tuple[str, bytes | None]]

#: A record with an empty value and this header is no event: the owner of a quiet partition says that time passed.
TICK_HEADER: Final = "ragpulse-tick"


@dataclass(frozen=True, slots=True)
class Records:
    """Consecutive records of one partition in offset order. All columns have the same length."""

    offsets: NDArray[np.int64]
    timestamps_ms: NDArray[np.int64]  # append times
    values: Sequence[bytes | None]
    keys: Sequence[bytes | None]
    headers: Sequence[Headers]

    def __len__(self) -> int:
        return len(self.values)

    def slice(self, start: int, stop: int) -> Self:
        """Return the records at positions [start, stop)."""
        if start == 0 and stop == len(self):
            return self
        part = slice(start, stop)
        return type(self)(
            self.offsets[part], self.timestamps_ms[part], self.values[part], self.keys[part], self.headers[part]
        )

    def is_tick(self, position: int) -> bool:
        """Say whether the record at a position is a tick."""
        return not self.values[position] and any(name == TICK_HEADER for name, _ in self.headers[position])

    def ticks(self) -> list[int]:
        """Return the positions of ticks."""
        return [position for position, value in enumerate(self.values) if not value and self.is_tick(position)]


@dataclass(frozen=True, slots=True)
class LastRecord:
    """The last record of an open segment."""

    offset: int
    append_ms: int


def cuts(records: Records, last: LastRecord | None, parameters: FoldParameters) -> list[int]:
    """Return the positions before which a segment ends, ascending: 0 if before the first record, the length if after all.

    A function of the log alone: the block of the offset, the slot of the append time, ticks. ``last`` is the last record
    of the segment that is open, None where it has none yet: a segment's first record is never cut from it.
    """
    if not len(records):
        return []
    first = last or LastRecord(int(records.offsets[0]), int(records.timestamps_ms[0]))
    blocks = np.concatenate(([first.offset], records.offsets)) // parameters.block_size
    slots = np.concatenate(([first.append_ms], records.timestamps_ms)) // parameters.slot_ms
    changed = np.flatnonzero((blocks[1:] != blocks[:-1]) | (slots[1:] != slots[:-1]))
    return sorted({*changed.tolist(), *(position + 1 for position in records.ticks())})
