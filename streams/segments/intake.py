"""A run of records taken in: accepted events as columns, and rejections."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.segment import FoldParameters
from ragpulse.streams.segments.decode import decode_values
from ragpulse.streams.segments.event_columns import Columns, columns_of
from ragpulse.streams.segments.rejection import Rejection
from ragpulse.streams.segments.validate import faults_of


@dataclass(frozen=True, slots=True)
class Intake:
    """Accepted events, their positions among the records, and rejections by position. No event: no columns."""

    columns: Columns
    positions: NDArray[np.int64]
    rejections: dict[int, Rejection]


def take_in(values: Sequence[bytes | None], append_ms: NDArray[np.int64], parameters: FoldParameters) -> Intake:
    """Decode and validate records. ``append_ms`` has one time a value."""
    decoded = decode_values(values, parameters)
    events, rejections = decoded.events, decoded.rejections
    positions = np.array(decoded.positions, dtype=np.int64)
    if not events:
        return Intake({}, positions, rejections)
    columns = columns_of(events)
    faults = faults_of(events, columns, append_ms[positions], parameters)
    if not faults:
        return Intake(columns, positions, rejections)
    rejections |= {int(positions[index]): fault for index, fault in faults.items()}
    kept = [index for index in range(len(events)) if index not in faults]
    return Intake(columns_of([events[index] for index in kept]) if kept else {}, positions[kept], rejections)
