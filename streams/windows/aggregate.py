"""Aggregate: the totals of any set of events, and how two sets become one. Exact in any order.

Totals are Python integers, so no sum can leave its type without a word; the histogram and the distinct users are sparse.
The packed form is what the state holds: canonical, so that equal aggregates have equal bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import sub
from typing import Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.cell import COLUMN, COLUMNS, COST_LIMB_BITS
from ragpulse.schemas.errors import ContractError
from ragpulse.schemas.window_partial import Cell
from ragpulse.streams import distinct, histogram

PACKED_VERSION: Final = 1
#: A register is index * 64 + rank: see ragpulse.streams.distinct.
_RANK_BITS: Final = 6
_RANK_MASK: Final = 63
_ZEROS: Final = (0,) * len(COLUMNS)
_Packed = tuple[int, list[int], list[int], list[int], list[int], list[int]]
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Packed).decode

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
        """Return the packed form.

        Raises:
            OverflowError: a total is beyond 64 bits: 10^8 events of the longest latency in one pane.

        """
        return _pack(list(self.totals), self.bucket_indices.tolist(), self.bucket_counts.tolist(), self.users.tolist())

    @classmethod
    def from_bytes(cls, packed: bytes) -> Self:
        """Read the packed form.

        Raises:
            ContractError: written by another version, or no aggregate.

        """
        try:
            version, totals, gaps, counts, register_gaps, ranks = _decode(packed)
        except msgspec.DecodeError as error:
            message = f"A pane in the state is damaged: {error}. Start from the snapshot before it."
            raise ContractError(message) from error
        if version != PACKED_VERSION:
            message = f"A pane in the state has version {version}, this ragpulse reads {PACKED_VERSION}: use the version that wrote it."
            raise ContractError(message)
        totals += _ZEROS[len(totals) :]
        users = (_ascending(register_gaps) << _RANK_BITS) + np.array(ranks, np.int64)
        return cls(tuple(totals), _ascending(gaps), np.array(counts, np.int64), users)


def _ascending(gaps: list[int]) -> Integers:
    return np.array(gaps, np.int64).cumsum()


def _pack(totals: list[int], indices: list[int], counts: list[int], users: list[int]) -> bytes:
    # Gaps instead of indices, and ranks apart: most fit one byte. Totals end with the rarest columns, mostly zero.
    while totals and not totals[-1]:
        totals.pop()
    registers = [user >> _RANK_BITS for user in users]
    ranks = [user & _RANK_MASK for user in users]
    return _encode((PACKED_VERSION, totals, _gaps(indices), counts, _gaps(registers), ranks))


def _gaps(ascending: list[int]) -> list[int]:
    return [*ascending[:1], *map(sub, ascending[1:], ascending)]


def pack_cell(cell: Cell) -> bytes:
    """Return a cell's aggregate in packed form, without building it."""
    return _pack(cell.totals[:], cell.bucket_indices, cell.bucket_counts, cell.users)


def merge_packed(parts: Sequence[bytes]) -> bytes:
    """Return the packed aggregate of packed parts."""
    return parts[0] if len(parts) == 1 else total_of(parts).to_bytes()


def total_of(parts: Iterable[bytes]) -> Aggregate:
    """Return the aggregate of packed parts."""
    return Aggregate.merged([Aggregate.from_bytes(part) for part in parts])
