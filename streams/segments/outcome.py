"""What became of a record: one byte each, kept for the audit trail."""

from enum import IntEnum


class Outcome(IntEnum):
    """Fate of one record of a segment. Part of what is audited, so numbers are never reused."""

    ACCEPTED = 0
    LATE = 1  # counted, in a cell of its own
    TOO_LATE = 2  # beyond the allowed lateness: counted as such, measured nowhere
    DUPLICATE = 3  # its event_id occurred before in the segment
    REJECTED = 4
    TICK = 5
