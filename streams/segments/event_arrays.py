"""Accepted events as arrays, an entry an event: what is left to add up once the events themselves are gone."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.query_event import STATUSES
from ragpulse.streams.distinct import registers_of
from ragpulse.streams.segments.event_fields import Field

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

NO_USER: Final = -1
_STATUS_CODES: Final = {status: code for code, status in enumerate(STATUSES)}


class EventArrays(NamedTuple):
    """Arrays of equal length, in offset order."""

    positions: Integers  # among the records
    occurred_ms: Integers
    keys: Integers  # codes of `CellKeys`
    repeated: Flags
    statuses: Integers  # positions in STATUSES
    users: Integers  # registers of `ragpulse.streams.distinct`, NO_USER where there is none
    numbers: NDArray[np.float64]  # of shape (measurements, events): see `whole_numbers`


def joined(parts: Sequence[EventArrays]) -> EventArrays:
    """Return the events of all parts, at least one, in one."""
    if len(parts) == 1:
        return parts[0]
    return EventArrays._make(np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True))


def selected(events: EventArrays, which: Flags) -> EventArrays:
    """Return some of the events."""
    return EventArrays._make(array[..., which] for array in events)


def status_codes(statuses: Field) -> Integers:
    """Return the position of each status in STATUSES."""
    return np.array([_STATUS_CODES[status] for status in statuses], dtype=np.int64)


def user_registers(user_ids: Field) -> Integers:
    """Return the register that each user sets."""
    if None not in user_ids:
        return registers_of(user_ids)
    registers = np.full(len(user_ids), NO_USER)
    known = [user is not None for user in user_ids]
    registers[known] = registers_of([user for user in user_ids if user is not None])
    return registers
