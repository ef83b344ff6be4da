"""Recount: running tallies follow from the panes, so a restored state counts them again, by whatever its policy promises."""

from ragpulse.streams.sla.judge import Tally
from ragpulse.streams.sla.tracked import Tracked
from ragpulse.streams.windows.levels import LEVEL_OF_SIZE
from ragpulse.streams.windows.lookup import hop_events
from ragpulse.streams.windows.state import MergerState


def recount(state: MergerState) -> None:
    """Give every service its series and the tallies of its newest windows."""
    for series in {*state.sealed.series(), *state.open.series()}:
        tracked = state.book.judged(series)
        if tracked is not None:
            tracked.series[series] = None
    for tracked in state.book.services.values():
        for size_ms in tracked.promises.by_size_ms:
            _recount(state, tracked, size_ms)


def _recount(state: MergerState, tracked: Tracked, size_ms: int) -> None:
    level = LEVEL_OF_SIZE[size_ms]
    hops = tracked.tallies[size_ms] = {}
    for hop_ms in level.panes_of(tracked.newest_start_ms(size_ms)):
        hops[hop_ms] = Tally.of_events(hop_events(state, tracked.series, level, hop_ms), tracked.promises)
