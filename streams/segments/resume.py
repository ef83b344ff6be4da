"""Where a newly assigned source partition goes on: decided from what the broker remembers, never from this process."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragpulse.schemas.segment import Pins, SegmentRecord


@dataclass(frozen=True, slots=True)
class Resume:
    """Start of the first segment and what it is built with.

    ``commit_first``: the start is not what the broker has as committed, so it is committed before anything is folded.
    ``lost``: offsets [first, end) that left the log before they were read.
    """

    start: int
    pins: Pins
    commit_first: bool
    lost: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What is known about one source partition at its assignment.

    ``chain``: segment records of the audit topic, the second witness: its end, or all of it where somebody moved the commit.
    """

    committed_offset: int | None
    committed_pins: Pins | None
    chain: Sequence[SegmentRecord]
    log_start: int


def resume(witnesses: Witnesses, fresh: Pins) -> Resume:
    """Decide where to go on. ``fresh`` are the pins of a partition that was never read; they name the topic's present id.

    A segment whose record is on the audit topic is complete there: a worker that was gone before its commit came through
    leaves it to be committed, and not to be built again with another pin of what follows. A commit that somebody moved
    back is a replay: its segments get the identities they had, and readers ignore them.
    """
    known = _known(witnesses, fresh.topic_id)
    if known is None:
        return Resume(witnesses.log_start, fresh, commit_first=True)
    start, pins = known
    is_commit = start == witnesses.committed_offset and pins == witnesses.committed_pins
    # The segment still begins where it would have, so that its record on the audit topic names the range as lost.
    lost = (start, witnesses.log_start) if witnesses.log_start > start else None
    return Resume(start, pins, commit_first=not is_commit, lost=lost)


def _known(witnesses: Witnesses, topic_id: str) -> tuple[int, Pins] | None:
    offset, pins = witnesses.committed_offset, witnesses.committed_pins
    if offset is not None and pins is not None:
        return _after_recorded(offset, pins, witnesses.chain) if pins.topic_id == topic_id else None
    # The commit is lost, or somebody moved it with a tool that drops the pins: the last segment end at or before it. What
    # lies before the log's start cannot be read again, so a segment that begins there keeps its identity.
    ends = [
        record
        for record in witnesses.chain
        if record.pins.topic_id == topic_id and (offset is None or record.end <= max(offset, witnesses.log_start))
    ]
    if not ends:
        return None
    last = max(ends, key=lambda record: record.end)
    return last.end, last.pins


def _after_recorded(start: int, pins: Pins, chain: Sequence[SegmentRecord]) -> tuple[int, Pins]:
    recorded = {record.start: record for record in chain if record.pins.topic_id == pins.topic_id}
    while record := recorded.get(start):
        start, pins = record.end, record.pins
    return start, pins
