"""Which offsets may be committed: marked by the role, in order, within one epoch. Pure bookkeeping, no I/O."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from faust.types import TP

METADATA_LIMIT: Final = 4096
"""Bytes of UTF-8. The broker's default, `offset.metadata.max.bytes`."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Everything below ``offset`` is done. ``metadata`` is committed with it."""

    offset: int
    metadata: str


class OffsetMarks:
    """The marks of the present epoch. A new epoch forgets all of them.

    The first mark of a partition in an epoch may lie anywhere, also below what was committed before: a topic that was
    created anew begins at 0. From then on marks never move back.
    """

    def __init__(self) -> None:
        self._marked: dict[TP, Mark] = {}
        self._confirmed: dict[TP, Mark] = {}
        self._committed: dict[TP, int] = {}

    @property
    def committed(self) -> Mapping[TP, int]:
        """Return what the broker is known to hold for the partitions of this epoch."""
        return self._committed

    def begin_epoch(self) -> None:
        """Forget everything: it belonged to another assignment."""
        self._marked, self._confirmed, self._committed = {}, {}, {}

    def mark(self, tp: TP, mark: Mark) -> bool:
        """Remember one mark; False if it would move back.

        Raises:
            ValueError: the metadata is larger than the broker takes, or the offset is negative.

        """
        size = len(mark.metadata.encode())
        if size > METADATA_LIMIT or mark.offset < 0:
            message = f"Cannot commit offset {mark.offset} of {tp} with {size} bytes of metadata: the limit is {METADATA_LIMIT}."
            raise ValueError(message)
        before = self._marked.get(tp)
        if before is not None and mark.offset < before.offset:
            return False
        self._marked[tp] = mark
        return True

    def pending(self) -> dict[TP, Mark]:
        """Return the marks that the broker has not confirmed."""
        return {tp: mark for tp, mark in self._marked.items() if self._confirmed.get(tp) != mark}

    def confirm(self, marks: Mapping[TP, Mark]) -> None:
        """Remember that the broker holds these."""
        self._confirmed.update(marks)
        self._committed.update({tp: mark.offset for tp, mark in marks.items()})

    def learn(self, found: Mapping[TP, int], asked: Collection[TP]) -> None:
        """Remember what the broker said it holds for the partitions asked for."""
        for tp in asked:
            if tp in found:
                self._committed[tp] = found[tp]
            else:
                self._committed.pop(tp, None)

    def drop_pending(self) -> None:
        """Forget marks that can no longer be committed, because the group has moved on."""
        self._marked = dict(self._confirmed)
