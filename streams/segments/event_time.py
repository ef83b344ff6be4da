"""Event time of one source partition, from its log alone: how far it has come, and who is late against it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.segment import FoldParameters

Times = NDArray[np.int64]

#: Below every time, with room to subtract any lateness from it.
_UNKNOWN: Final = -(1 << 62)


@dataclass(slots=True)
class EventTime:
    """The highest event time so far, None before the first event or tick."""

    highest_ms: int | None

    def advance(self, occurred_ms: Times, repeated: NDArray[np.bool_]) -> Times:
        """Return the event time before each event and move beyond all of them; repeats move nothing.

        Accepted events lie at most ``future_ms`` beyond their append time, so no clamp is needed here.
        """
        start = _UNKNOWN if self.highest_ms is None else self.highest_ms
        moving = np.where(repeated, _UNKNOWN, occurred_ms)
        reached = np.maximum.accumulate(np.concatenate(([start], moving)))
        self.highest_ms = int(reached[-1]) if reached[-1] > _UNKNOWN else self.highest_ms
        return reached[:-1]

    def tick(self, append_ms: int, previous_append_ms: int | None, future_ms: int) -> None:
        """Move by the append time elapsed since the record before the tick; never back, never beyond the future bound."""
        if self.highest_ms is None or previous_append_ms is None:
            self.highest_ms = append_ms if self.highest_ms is None else self.highest_ms
            return
        moved = min(self.highest_ms + append_ms - previous_append_ms, append_ms + future_ms)
        self.highest_ms = max(self.highest_ms, moved)


@dataclass(frozen=True, slots=True)
class Lateness:
    """Which events are late, and which too late to change a window. The two exclude each other and repeats."""

    late: NDArray[np.bool_]
    too_late: NDArray[np.bool_]


def lateness(occurred_ms: Times, before_ms: Times, repeated: NDArray[np.bool_], parameters: FoldParameters) -> Lateness:
    """Judge each event against the watermark at its offset (``before_ms`` less the allowed disorder)."""
    watermarks = before_ms - parameters.disorder_ms
    behind = (occurred_ms < watermarks) & ~repeated
    too_late = behind & (occurred_ms < watermarks - parameters.lateness_ms)
    return Lateness(behind & ~too_late, too_late)
