"""Small integers that many cells collect, sparse: latency buckets with their counts, and registers of distinct users.

Kept flat for a whole segment, cell and value packed into one number. What a batch adds is only put aside; it is sorted
in when the cells are next read, once a flush.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ragpulse.streams import distinct

Packed = NDArray[np.int64]

_BUCKET_BITS: Final = 12  # histogram.BOUNDS_US has 2,326 buckets
_REGISTER_BITS: Final = distinct.INDEX_BITS + 6


class Buckets:
    """Latency histograms of the cells of a segment."""

    def __init__(self) -> None:
        self._packed: Packed = np.empty(0, dtype=np.int64)  # one an event, ascending
        self._new: list[Packed] = []

    def add(self, cells: Packed, buckets: Packed) -> None:
        """Count one latency in each of these cells."""
        self._new.append(cells << _BUCKET_BITS | buckets)

    def of(self, cells: Sequence[int]) -> list[tuple[list[int], list[int]]]:
        """Return bucket indices, ascending, and their counts for each of these cells."""
        if self._new:
            self._packed = np.sort(np.concatenate((self._packed, *self._new)))
            self._new.clear()
        starts = np.flatnonzero(np.diff(self._packed, prepend=-1))
        packed = self._packed[starts]
        buckets = (packed & ((1 << _BUCKET_BITS) - 1)).tolist()
        counts = np.diff(starts, append=len(self._packed)).tolist()
        return [(buckets[part], counts[part]) for part in _slices(packed, cells, _BUCKET_BITS)]


class Users:
    """Registers of the distinct users of the cells of a segment."""

    def __init__(self) -> None:
        self._packed: Packed = np.empty(0, dtype=np.int64)
        self._new: list[Packed] = []

    def add(self, cells: Packed, registers: Packed) -> None:
        """Set one register in each of these cells."""
        self._new.append(cells << _REGISTER_BITS | registers)

    def of(self, cells: Sequence[int]) -> list[list[int]]:
        """Return the registers, ascending, for each of these cells."""
        if self._new:
            # Cell and index together are what `distinct` takes for an index: it keeps the highest rank of each.
            self._packed = distinct.merge([self._packed, *self._new])
            self._new.clear()
        registers = (self._packed & ((1 << _REGISTER_BITS) - 1)).tolist()
        return [registers[part] for part in _slices(self._packed, cells, _REGISTER_BITS)]


def _slices(packed: Packed, cells: Sequence[int], bits: int) -> list[slice]:
    """Return where the values of each cell stand."""
    numbers = np.array(cells, dtype=np.int64)
    starts = np.searchsorted(packed, numbers << bits).tolist()
    ends = np.searchsorted(packed, (numbers + 1) << bits).tolist()
    return list(map(slice, starts, ends))
