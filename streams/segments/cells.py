"""The cells of one segment: integer totals by (tenant, service, operation, variant, pane, late)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.cell import COLUMNS, PANE_MS
from ragpulse.schemas.window_partial import Cell
from ragpulse.streams.segments.cell_keys import CellKeys
from ragpulse.streams.segments.measurements import Addends
from ragpulse.streams.segments.sparse import Buckets, Users

CellNumbers = NDArray[np.int64]
#: Tenant, service, operation, variant, start of the pane in ms, late.
CellIdentity = tuple[str, str, str, str, int, bool]

_PLACE_BITS: Final = 36  # pane number of the year 9999 (35 bits) and late
_PLACE_MASK: Final = (1 << _PLACE_BITS) - 1
_FIRST_CAPACITY: Final = 64


class Cells:
    """Cells and which of them changed. Numbers of cells have a meaning here only; what is handed out is sorted by key."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self.keys = CellKeys()
        self._numbers: dict[int, int] = {}  # packed key, pane and late: number of the cell
        self._identities: list[CellIdentity] = []
        self._others: set[int] = set()  # numbers of the cells beyond the cap
        self._totals = np.zeros((_FIRST_CAPACITY, len(COLUMNS)), dtype=np.int64)
        self._changed = np.zeros(_FIRST_CAPACITY, dtype=np.bool_)
        self.buckets = Buckets()
        self.users = Users()

    def place(self, keys: CellNumbers, panes: CellNumbers, late: NDArray[np.bool_]) -> CellNumbers:
        """Return the cell of each event, in offset order: the first ``cap`` cells are kept, the rest is `__other__`."""
        places = (keys << _PLACE_BITS | panes << 1 | late).tolist()
        known = map(self._numbers.get, places)
        numbers = [
            self._number_of(place) if number is None else number for place, number in zip(places, known, strict=True)
        ]
        self._make_room()
        self.keys.is_full = self._is_full()
        return np.array(numbers, dtype=np.int64)

    def beyond_cap(self, cells: CellNumbers) -> int:
        """Return how many of these events are counted in `__other__`."""
        return int(np.isin(cells, list(self._others)).sum()) if self._others else 0

    def add(self, cells: CellNumbers, addends: Addends) -> None:
        """Add what each event adds to the columns of its cell. At most 2**14 events: sums of floats are exact below 2**53."""
        touched, local = np.unique(cells, return_inverse=True)
        self._changed[touched] = True
        # All columns in one count: an event's place is (column, cell).
        rows = len(addends.columns)
        places = np.arange(rows)[:, None] * len(touched) + local
        sums = np.bincount(places.ravel(), addends.amounts.ravel(), rows * len(touched))
        self._totals[touched[:, None], addends.columns] += sums.reshape(rows, -1).T.astype(np.int64)

    def take_changes(self) -> list[Cell]:
        """Return the cells that changed since the last call, whole, sorted by key."""
        changed = np.flatnonzero(self._changed).tolist()
        self._changed[:] = False
        changed.sort(key=self._identities.__getitem__)
        parts = zip(changed, self._totals_of(changed), self.buckets.of(changed), self.users.of(changed), strict=True)
        return [Cell(*self._identities[cell], totals, *buckets, users) for cell, totals, buckets, users in parts]

    def _is_full(self) -> bool:
        # Those beyond the cap come after it is reached, so they need not be told apart.
        return len(self._identities) >= self._cap

    def _number_of(self, place: int) -> int:
        number = self._numbers.get(place)
        if number is not None:
            return number
        code = place >> _PLACE_BITS
        if self.keys.is_other(code):
            self._others.add(len(self._identities))
        elif self._is_full():
            return self._number_of(self.keys.other(code) << _PLACE_BITS | place & _PLACE_MASK)
        number = self._numbers[place] = len(self._identities)
        self._identities.append((*self.keys.identities[code], ((place & _PLACE_MASK) >> 1) * PANE_MS, bool(place & 1)))
        return number

    def _make_room(self) -> None:
        missing = len(self._identities) - len(self._changed)
        if missing > 0:
            more = max(missing, len(self._changed))
            self._totals = np.concatenate((self._totals, np.zeros((more, len(COLUMNS)), dtype=np.int64)))
            self._changed = np.concatenate((self._changed, np.zeros(more, dtype=np.bool_)))

    def _totals_of(self, cells: list[int]) -> list[list[int]]:
        """Return the totals of some cells without their trailing zeros."""
        totals = self._totals[cells]
        lengths = totals.shape[1] - np.argmax(totals[:, ::-1] != 0, axis=1)
        rows = totals[:, : lengths.max(initial=0)].tolist()
        return [row[:length] for row, length in zip(rows, lengths.tolist(), strict=True)]
