"""Progress: how far each source partition has come, and which of them final figures wait for.

Time is the log's: the timestamps of the records of `rag.window-partials`. *Running time* is their sum of steps with each
step cut at the interval of the signs of life: a stretch in which nobody at all wrote is nobody's silence, so a
pipeline that was switched off overnight does not close its windows without the partitions that come back a second later.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from ragpulse.schemas.window_partial import Progress

SIGN_OF_LIFE_MS: Final = 5_000
"""Ingest flushes at least this often, news or not."""


class SourcePartition(Struct):
    """One partition of the source topic. Watermark and committed start only rise."""

    heard_at_ms: int  # log time of its last progress; of the topic's first record if there was none
    heard_running_ms: int  # the same in running time
    joined_ms: int | None  # what was sealed when it joined: earlier panes were sealed without it
    watermark_ms: int | None = None
    folded_through: int = 0  # confirmed committed start: segments that start below it are folded
    #: A past (reached, watermark): once that much is committed, no later segment can hold earlier event times.
    mark_reached: int | None = None
    mark_watermark_ms: int | None = None
    folded_watermark_ms: int | None = None
    #: Stretches of event time that were sealed without its unfolded cells; ascending, half-open.
    holes: list[tuple[int, int]] = []
    silent_since_ms: int | None = None  # its silence, since then, was reported and has not ended

    def is_past(self, at_ms: int) -> bool:
        """Say whether all its on-time events before a time are known."""
        return self.watermark_ms is not None and self.watermark_ms >= at_ms

    def was_included(self, pane_ms: int) -> bool:
        """Say whether a sealed pane holds all its on-time cells."""
        if self.joined_ms is not None and pane_ms < self.joined_ms:
            return False
        return not self.is_in_hole(pane_ms)

    def leaves_out(self) -> bool:
        """Say whether some sealed pane may lack its cells."""
        return bool(self.holes) or self.joined_ms is not None

    def is_in_hole(self, pane_ms: int) -> bool:
        """Say whether a pane was sealed without its unfolded cells, and some may still be missing."""
        return any(start <= pane_ms < end for start, end in self.holes)

    def is_missing(self, start_ms: int, end_ms: int) -> bool:
        """Say whether its events may be missing in a stretch of event time."""
        return any(start < end_ms and end > start_ms for start, end in self.holes)

    def miss(self, start_ms: int, end_ms: int) -> None:
        """Note that a pane is sealed without its unfolded cells."""
        if self.holes and self.holes[-1][1] == start_ms:
            start_ms = self.holes.pop()[0]
        self.holes.append((start_ms, end_ms))

    def fill_holes(self, through_ms: int) -> list[tuple[int, int]]:
        """Close the holes before a time; return the stretches that were closed."""
        closed = [(start, min(end, through_ms)) for start, end in self.holes if start < through_ms]
        self.holes = [(max(start, through_ms), end) for start, end in self.holes if end > through_ms]
        return closed

    def forget_joining(self) -> None:
        """Forget when it joined, once it has folded all on-time cells from before. Not before: was_included asks."""
        if self.joined_ms is not None and (self.folded_watermark_ms or 0) >= self.joined_ms:
            self.joined_ms = None

    def rise(self, progress: Progress) -> None:
        """Take over what is further than what is known."""
        if progress.watermark_ms is not None:
            self.watermark_ms = max(progress.watermark_ms, self.watermark_ms or progress.watermark_ms)
        self.folded_through = max(self.folded_through, progress.committed)
        if self.mark_reached is None or self.folded_through >= self.mark_reached:
            if self.mark_watermark_ms is not None:
                self.folded_watermark_ms = max(self.mark_watermark_ms, self.folded_watermark_ms or 0)
            # Of this very report: after a restart it may lie behind what is known, and so must what it stands for.
            self.mark_reached, self.mark_watermark_ms = progress.reached, progress.watermark_ms


class Sources(Struct):
    """All partitions of the source topic, as the workers' progress tells."""

    topic_id: str | None = None
    retired: list[str] = []  # topic ids of earlier lives of the topic
    log_ms: int | None = None
    running_ms: int = 0
    partitions: dict[int, SourcePartition] = {}

    def run(self, timestamp_ms: int) -> None:
        """Let the log's time pass. It never goes back."""
        if self.log_ms is None:
            self.log_ms = timestamp_ms
        passed_ms = max(0, timestamp_ms - self.log_ms)
        self.running_ms += min(passed_ms, SIGN_OF_LIFE_MS)
        self.log_ms += passed_ms

    def is_new(self, topic_id: str) -> bool:
        """Say whether a topic id was never seen: the topic was made anew."""
        return topic_id != self.topic_id and topic_id not in self.retired

    def begin(self, topic_id: str) -> None:
        """Start the watermarks of a new topic and retire the one before."""
        if self.topic_id is not None:
            self.retired.append(self.topic_id)
        self.topic_id, self.partitions = topic_id, {}

    def expect(self, count: int, sealed_ms: int | None) -> None:
        """Know of that many partitions: the unheard ones stand at minus infinity."""
        for partition in range(len(self.partitions), count):
            self.partitions[partition] = SourcePartition(self.log_ms or 0, self.running_ms, sealed_ms)

    def hear(self, progress: Progress) -> SourcePartition:
        """Note a progress report of the current topic."""
        source = self.partitions[progress.partition]
        source.heard_at_ms, source.heard_running_ms = self.log_ms or 0, self.running_ms
        source.rise(progress)
        return source

    def silent_for_ms(self, source: SourcePartition) -> int:
        """Return the running time since a partition was heard of."""
        return self.running_ms - source.heard_running_ms

    def heard_within(self, limit_ms: int) -> Iterator[SourcePartition]:
        """Return the partitions that were heard of less than a limit ago."""
        return (source for source in self.partitions.values() if self.silent_for_ms(source) < limit_ms)

    def watermark_ms(self, hold_ms: int) -> int | None:
        """Return the watermark of the whole: the lowest of those that it waits for; None is minus infinity."""
        return lowest(source.watermark_ms for source in self.heard_within(hold_ms))

    def folded_watermark_ms(self, hold_ms: int) -> int | None:
        """Return a watermark that lies behind every segment that is still to be folded; None is minus infinity."""
        return lowest(source.folded_watermark_ms for source in self.heard_within(hold_ms))

    def leading_watermark_ms(self, silence_ms: int) -> int | None:
        """Return the upper median watermark of the partitions that speak.

        A guess of the present that provisional verdicts use: one partition that lags, or one whose producer's clock is
        ahead, does not move it. None where nobody has a watermark.
        """
        known = sorted(
            source.watermark_ms for source in self.heard_within(silence_ms) if source.watermark_ms is not None
        )
        return known[len(known) // 2] if known else None

    def missing(self, start_ms: int, end_ms: int) -> list[int]:
        """Return the partitions whose events may be missing in a stretch of event time."""
        return [number for number, source in sorted(self.partitions.items()) if source.is_missing(start_ms, end_ms)]


def lowest(watermarks: Iterable[int | None]) -> int | None:
    """Return the lowest watermark; None, minus infinity, where one is None or there is none."""
    known = list(watermarks)
    return min((at for at in known if at is not None), default=None) if None not in known else None
