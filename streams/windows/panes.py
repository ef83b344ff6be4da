"""Panes that are still open: cells by segment, where the furthest record replaces, and what was folded for good.

A cell stays with its segment until the segment's end is committed; then it is folded, once, and its segment forgotten.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from msgspec import Struct

from ragpulse.streams.sla.judge import Tally
from ragpulse.streams.windows.aggregate import merge_packed
from ragpulse.streams.windows.series import Series

PARTS: Final = 16
"""Folded parts of a pane kept apart before they are merged: sealing merges all anyway, so merging each one costs twice."""

SegmentId = tuple[int, int]
"""Source partition and start, of the current topic."""


class CellKey(NamedTuple):
    """A cell within its segment."""

    series: Series
    pane_ms: int
    late: bool


class OpenCell(NamedTuple):
    """The furthest record of a cell. ``tally`` is what the cell adds to its service's promises; empty if nothing."""

    reached: int
    packed: bytes
    tally: Tally


class OpenPane(Struct, gc=False):
    """What one series has in one pane that is not sealed."""

    folded: list[bytes] = []
    late: list[bytes] = []
    open: dict[SegmentId, bytes] = {}  # on-time cells of segments that are not folded


class OpenPanes:
    """Open segments and open panes of one target partition."""

    def __init__(self) -> None:
        self.segments: dict[SegmentId, dict[CellKey, OpenCell]] = {}
        self.panes: dict[int, dict[Series, OpenPane]] = {}

    def held(self, segment: SegmentId, key: CellKey) -> OpenCell | None:
        """Return the furthest known record of a cell."""
        cells = self.segments.get(segment)
        return cells.get(key) if cells is not None else None

    def replace(self, segment: SegmentId, key: CellKey, cell: OpenCell, *, is_sealed: bool) -> None:
        """Keep a further record of a cell."""
        self.segments.setdefault(segment, {})[key] = cell
        if not key.late and not is_sealed:
            self._pane(key.pane_ms, key.series).open[segment] = cell.packed

    def take(self, partition: int, before: int | None) -> Iterator[tuple[SegmentId, CellKey, OpenCell]]:
        """Remove the segments of a partition that start before an offset (None: all), oldest first."""
        due = sorted(
            segment for segment in self.segments if segment[0] == partition and (before is None or segment[1] < before)
        )
        for segment in due:
            for key, cell in self.segments.pop(segment).items():
                yield segment, key, cell

    def fold(self, segment: SegmentId, key: CellKey, cell: OpenCell) -> None:
        """Add a cell of an ended segment to its pane, which is not sealed."""
        pane = self._pane(key.pane_ms, key.series)
        parts = pane.late if key.late else pane.folded
        parts.append(cell.packed)
        if len(parts) >= PARTS:
            parts[:] = [merge_packed(parts)]
        pane.open.pop(segment, None)

    def seal(
        self, pane_ms: int, is_complete: Callable[[int], bool]
    ) -> Iterator[tuple[Series, list[bytes], list[bytes]]]:
        """Remove a pane; return its on-time and late parts by series.

        Args:
            pane_ms: Start of the pane.
            is_complete: Whether all on-time cells that a source partition has for the pane are known. The open
                cells of others stay out of it, and with their segments.

        """
        for series, pane in self.panes.pop(pane_ms, {}).items():
            included = [packed for (partition, _), packed in pane.open.items() if is_complete(partition)]
            yield series, [*pane.folded, *included], pane.late

    def first_pane_ms(self) -> int | None:
        """Return the start of the oldest open pane."""
        return min(self.panes, default=None)

    def oldest_unfolded_ms(self, partition: int, stretches: list[tuple[int, int]]) -> int | None:
        """Return the oldest pane within the stretches for which a partition has on-time cells that are not folded."""
        return min(
            (
                key.pane_ms
                for segment, cells in self.segments.items()
                if segment[0] == partition
                for key in cells
                if not key.late and any(start <= key.pane_ms < end for start, end in stretches)
            ),
            default=None,
        )

    def series(self) -> Iterator[Series]:
        """Return every series that has an open pane or an open cell; one may come several times."""
        for pane in self.panes.values():
            yield from pane
        for cells in self.segments.values():
            yield from (key.series for key in cells)

    def restore(self, pane_ms: int, series: Series, folded: list[bytes], late: list[bytes]) -> None:
        """Put back what was folded into a pane."""
        pane = self._pane(pane_ms, series)
        pane.folded, pane.late = folded, late

    def _pane(self, pane_ms: int, series: Series) -> OpenPane:
        panes = self.panes.get(pane_ms)
        if panes is None:
            panes = self.panes[pane_ms] = {}
        pane = panes.get(series)
        if pane is None:
            pane = panes[series] = OpenPane()
        return pane
