"""Repeats of an ``event_id`` within one segment: the first in offset order counts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Repeats:
    """The ids seen in a segment."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def find(self, event_ids: Sequence[str]) -> NDArray[np.bool_]:
        """Return which events repeat an earlier one, and remember all."""
        batch = set(event_ids)
        if len(batch) == len(event_ids) and self._seen.isdisjoint(batch):
            self._seen |= batch
            return np.zeros(len(event_ids), dtype=np.bool_)
        return np.array([self._is_repeat(event_id) for event_id in event_ids])

    def _is_repeat(self, event_id: str) -> bool:
        if event_id in self._seen:
            return True
        self._seen.add(event_id)
        return False
