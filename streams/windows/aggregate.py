"""Aggregate: the totals of any set of events, and how two sets become one. Exact in any order.

Totals are Python integers, so no sum can leave its type without a word; the histogram and the distinct users are sparse.

Two packed forms are what the state holds: an open cell as it came over the wire, which costs nothing to make, and the
compact form of all that is kept for long. The compact one is canonical: equal aggregates have equal bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.cell import COLUMN, COLUMNS, COST_LIMB_BITS
from ragpulse.schemas.errors import ContractError
from ragpulse.schemas.window_partial import Cell
from ragpulse.streams import distinct, histogram

_WIRE: Final = 1
_COMPACT: Final = 2  # another form takes another number
_ZEROS: Final = (0,) * len(COLUMNS)
#: A register is index * 64 + rank: see ragpulse.streams.distinct.
_RANK_BITS: Final = 6
_RANK_MASK: Final = 63
#: A gap shares a number with its value: 4 bits for the gap, so that most pairs are below 128, one byte. Larger gaps follow apart.
_GAP_BITS: Final = 4
_FAR: Final = 15

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """Totals over `COLUMNS`, latency histogram (sparse, indices ascending) and registers of distinct users (ascending)."""

    totals: tuple[int, ...]
    bucket_indices: Integers
    bucket_counts: Integers
    users: Integers

    @classmethod
    def zero(cls) -> Self:
        """Return the aggregate of no events."""
        nothing = np.empty(0, np.int64)
        return cls(_ZEROS, nothing, nothing, nothing)

    @classmethod
    def of_cell(cls, cell: Cell) -> Self:
        """Return the aggregate of a cell as it came over the wire."""
        return cls.from_bytes(pack_cell(cell))

    @classmethod
    def merged(cls, parts: Sequence[Self]) -> Self:
        """Return the aggregate of all events of the parts. Associative and commutative to the last bit."""
        if not parts:
            return cls.zero()
        if len(parts) == 1:
            return parts[0]
        totals = tuple(map(sum, zip(*[part.totals for part in parts], strict=True)))
        indices, counts = histogram.merge([(part.bucket_indices, part.bucket_counts) for part in parts])
        return cls(totals, indices, counts, distinct.merge([part.users for part in parts]))

    def merge(self, other: Self) -> Self:
        """Return the aggregate of both sets of events."""
        return self.merged((self, other))

    def add(self, cell: Cell) -> Self:
        """Return the aggregate with the events of one more cell."""
        return self.merge(self.of_cell(cell))

    def __getitem__(self, column: str) -> int:
        """Return the total of a column."""
        return self.totals[COLUMN[column]]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Aggregate) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    @property
    def cost_sum_nano_usd(self) -> int:
        """Return the cost: its two limbs as one number."""
        return (self["cost_sum_high"] << COST_LIMB_BITS) + self["cost_sum_low"]

    def percentile_ms(self, quantile: float) -> float | None:
        """Return the nearest-rank latency in ms (middle of its bucket); None where no latency was measured."""
        return histogram.percentile_ms(self.bucket_indices, self.bucket_counts, self["latency_zero_count"], quantile)

    def distinct_users(self) -> int:
        """Return the estimated number of distinct users."""
        return distinct.estimate(self.users)

    def to_bytes(self) -> bytes:
        """Return the compact form.

        Raises:
            OverflowError: a total is beyond 64 bits: 10^8 events of the longest latency in one pane.

        """
        totals = list(self.totals)
        while totals and not totals[-1]:  # columns end with the rarest, mostly zero
            totals.pop()
        buckets, far_buckets = _pairs(self.bucket_indices, self.bucket_counts)
        users, far_users = _pairs(self.users >> _RANK_BITS, self.users & _RANK_MASK)
        return _encode(_Compact(totals, buckets, far_buckets, users, far_users))

    @classmethod
    def from_bytes(cls, packed: bytes) -> Self:
        """Read either packed form.

        Raises:
            ContractError: written by another version, or no aggregate.

        """
        try:
            form = _decode(packed)
        except msgspec.DecodeError as error:
            message = (
                f"A pane in the state cannot be read: {error}. Use the version that wrote it, or the snapshot before."
            )
            raise ContractError(message) from error
        totals = (*form.totals, *_ZEROS[len(form.totals) :])
        if isinstance(form, _Wire):
            indices, counts = np.array(form.bucket_indices, np.int64), np.array(form.bucket_counts, np.int64)
            return cls(totals, indices, counts, np.array(form.users, np.int64))
        registers, ranks = _unpaired(form.users, form.far_users)
        return cls(totals, *_unpaired(form.buckets, form.far_buckets), (registers << _RANK_BITS) + ranks)


class _Wire(msgspec.Struct, array_like=True, tag=_WIRE, gc=False):
    """A cell's part that adds up, as it is in `Cell`."""

    totals: list[int]
    bucket_indices: list[int]
    bucket_counts: list[int]
    users: list[int]


class _Compact(msgspec.Struct, array_like=True, tag=_COMPACT, gc=False):
    """Pairs of (gap to the index before, value), and the gaps that did not fit."""

    totals: list[int]
    buckets: list[int]
    far_buckets: list[int]
    users: list[int]
    far_users: list[int]


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Wire | _Compact).decode


def _pairs(indices: Integers, values: Integers) -> tuple[list[int], list[int]]:
    """Return ascending indices and their values (from 1) as pairs, and the far gaps."""
    gaps = indices.copy()
    gaps[1:] -= indices[:-1] + 1
    pairs = (values - 1) << _GAP_BITS | np.minimum(gaps, _FAR)
    return pairs.tolist(), gaps[gaps >= _FAR].tolist()


def _unpaired(pairs: list[int], far: list[int]) -> tuple[Integers, Integers]:
    packed = np.array(pairs, np.int64)
    gaps = packed & _FAR
    gaps[gaps == _FAR] = far
    return (gaps + 1).cumsum() - 1, (packed >> _GAP_BITS) + 1


def pack_cell(cell: Cell) -> bytes:
    """Return a cell's aggregate in packed form, without building it."""
    return _encode(_Wire(cell.totals, cell.bucket_indices, cell.bucket_counts, cell.users))


def merge_packed(parts: Sequence[bytes]) -> bytes:
    """Return the aggregate of packed parts in compact form."""
    # A form's tag follows its one byte of length.
    if len(parts) == 1 and parts[0][1] == _COMPACT:
        return parts[0]
    return total_of(parts).to_bytes()


def total_of(parts: Iterable[bytes]) -> Aggregate:
    """Return the aggregate of packed parts."""
    return Aggregate.merged([Aggregate.from_bytes(part) for part in parts])
