"""Merger: the state machine over the log of `rag.window-partials`, one for each target partition.

Same log, same outputs, byte for byte, whatever the restarts. One step, in order: the log's time passes; cells replace and
progress folds; silent partitions are reported; changed windows are revised; the watermark closes windows and gives final
verdicts; newest windows are judged provisionally; what nothing can change any more is dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

from ragpulse.schemas.cell import PANE_MS
from ragpulse.schemas.errors import ContractError
from ragpulse.schemas.policy import Policy
from ragpulse.schemas.window_partial import FLUSH_VERSION, Flush
from ragpulse.streams.windows.closing import close_windows, is_behind, publish_revisions
from ragpulse.streams.windows.health import changes_of_silence
from ragpulse.streams.windows.intake import Touched, take_flush
from ragpulse.streams.windows.levels import floor_to
from ragpulse.streams.windows.lookup import newest_events
from ragpulse.streams.windows.outbox import Outbox, Output
from ragpulse.streams.windows.snapshot import read_snapshot, write_snapshot
from ragpulse.streams.windows.state import MergerSettings, MergerState


@dataclass(frozen=True, slots=True)
class MergerOutput:
    """What a step writes, in order. ``is_behind``: more is ready and follows with the next steps."""

    outputs: tuple[Output, ...] = ()
    is_behind: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a merger stands: for metrics and people."""

    offset: int
    sealed_through_ms: int | None  # every window that ends by then is final
    watermarks_ms: dict[int, int | None]  # by source partition
    silent_partitions: tuple[int, ...]
    open_segments: int
    waiting_revisions: int
    unplaced_events: int  # came back after a silence, when every window over them was forgotten
    services: int


class Merger:
    """Merged state of one partition of `rag.window-partials`."""

    def __init__(
        self, policy: Policy, settings: MergerSettings | None = None, state: MergerState | None = None
    ) -> None:
        self._settings = settings or MergerSettings()
        self._state = state or MergerState.empty(policy)

    @property
    def offset(self) -> int:
        """Return the offset of the last record that the state reflects, -1 before the first."""
        return self._state.offset

    def step(self, offset: int, timestamp_ms: int, flush: Flush) -> MergerOutput:
        """Take the record at an offset; a record that was taken before changes nothing.

        Args:
            offset: Its offset, which becomes the revision of what it leads to.
            timestamp_ms: Its Kafka timestamp.
            flush: Its content.

        Raises:
            ContractError: a flush of another version.

        """
        state = self._state
        if offset <= state.offset:
            return MergerOutput()
        if flush.version != FLUSH_VERSION:
            message = (
                f"A flush has version {flush.version}, this ragpulse reads {FLUSH_VERSION}: upgrade slo before ingest."
            )
            raise ContractError(message)
        out = Outbox(offset, state.book.policy_digest)
        state.offset = offset
        state.sources.run(timestamp_ms)
        touched = take_flush(state, flush)
        self._report_health(out)
        state.book.end_unpromised(out)
        publish_revisions(state, out)
        close_windows(state, self._settings, out)
        self._foresee(touched, out)
        self._drop()
        return MergerOutput(tuple(out.outputs), is_behind(state, self._settings))

    def _report_health(self, out: Outbox) -> None:
        for health in changes_of_silence(self._state.sources, self._settings):
            if self._settings.reports_health:
                out.health(health)

    def _foresee(self, touched: Touched, out: Outbox) -> None:
        """Judge the newest windows of services that changed; of all where event time entered another pane."""
        state = self._state
        leading_ms = state.sources.leading_watermark_ms(self._settings.silence_ms)
        reached_ms = 0 if leading_ms is None else leading_ms + self._settings.disorder_ms
        now_ms = max(reached_ms, state.sealed.through_ms or 0)
        pane_ms = floor_to(now_ms, PANE_MS)
        services = touched if pane_ms == state.judged_ms else list(state.book.services)
        state.judged_ms = pane_ms
        state.book.foresee(services, now_ms, partial(newest_events, state), out)

    def _drop(self) -> None:
        state = self._state
        folded_ms = state.sources.folded_watermark_ms(self._settings.hold_ms)
        if folded_ms is None or state.sealed.through_ms is None or len(state.revisions):
            return  # what waits to be revised is still needed
        state.sealed.drop(min(folded_ms, state.sealed.through_ms) - self._settings.lateness_ms)
        state.tidy_names()

    def standing(self) -> Standing:
        """Return where it stands."""
        state, limit_ms = self._state, self._settings.silence_ms
        partitions = sorted(state.sources.partitions.items())
        return Standing(
            offset=state.offset,
            sealed_through_ms=state.sealed.through_ms,
            watermarks_ms={number: source.watermark_ms for number, source in partitions},
            silent_partitions=tuple(
                number for number, source in partitions if state.sources.silent_for_ms(source) >= limit_ms
            ),
            open_segments=len(state.open.segments),
            waiting_revisions=len(state.revisions),
            unplaced_events=state.unplaced,
            services=len(state.book.services),
        )

    def snapshot(self) -> list[bytes]:
        """Return the whole state in chunks for `rag.slo-state`."""
        return write_snapshot(self._state)

    @classmethod
    def restore(cls, chunks: Sequence[bytes], policy: Policy, settings: MergerSettings | None = None) -> Self:
        """Build a merger from a snapshot. With the policy it was made with, it goes on as if it had never stopped.

        With another policy, verdicts are judged by it from the next step on, and violations of promises that are no
        longer made end there.

        Raises:
            ContractError: incomplete, damaged, or of another version.

        """
        return cls(policy, settings, read_snapshot(chunks, policy))
