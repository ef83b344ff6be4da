"""Recount: running tallies follow from the panes, so a restored state counts them again, by whatever its policy promises."""

from ragpulse.streams.sla.judge import Tally
from ragpulse.streams.sla.newest import NOTHING
from ragpulse.streams.windows.levels import WINDOW_SIZES
from ragpulse.streams.windows.lookup import hop_events
from ragpulse.streams.windows.state import MergerState


def recount(state: MergerState) -> None:
    """Give every service its series and the tallies of its newest windows."""
    for series in state.names:
        state.book.admit(series)
    for tracked in state.book.services.values():
        for size_ms, newest in tracked.newest.items():
            size = WINDOW_SIZES[size_ms]
            for hop_ms in size.hops_of(newest.start_ms):
                events = hop_events(state, tracked.judged_on, size, hop_ms)
                newest.count(hop_ms, Tally.of_events(events, tracked.promises), NOTHING)
