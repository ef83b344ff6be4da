"""Self-fencing: a worker that stood still for most of its session timeout ends before it can write.

A stopped process (SIGSTOP, a suspended machine, starvation) does not know that its partitions went to another worker. The
event loop therefore looks at the clock after every `select`, before it runs what has become ready: at a gap of 0.8 x the
session timeout since its previous look the process ends with exit code 75, so that nothing queued in the producer is
written. A watchdog thread does the same for a loop that never comes back, and shows where it hangs. A thread alone is not
enough: in 5 of 8 runs a woken worker wrote before its watchdog ran.
"""

import asyncio
import faulthandler
import os
import selectors
import sys
import threading
import time
from collections.abc import Callable
from typing import Final, NoReturn

EXIT_STUCK: Final = 75
STANDSTILL_SHARE: Final = 0.8
"""Of the session timeout. The rest is for ending: until it is over no other worker owns the partitions."""
_LAST_WORDS_SECONDS: Final = 1.0


def boot_seconds() -> float:
    """Return seconds since boot, counting the time in which the machine was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class FencedSelector(selectors.DefaultSelector):
    """The selector of a fenced event loop: `select` does not return after a standstill."""

    def __init__(self, limit_seconds: float, clock: Callable[[], float] = boot_seconds) -> None:
        super().__init__()
        self.limit_seconds = limit_seconds
        self._clock = clock
        self._longest_wait = limit_seconds / 8  # an idle loop must look at the clock, too
        self._last_beat = clock()

    def beat(self) -> None:
        """Begin to measure: the loop starts to run."""
        self._last_beat = self._clock()

    def standstill_seconds(self) -> float:
        """Return the time since the loop's last beat."""
        return self._clock() - self._last_beat

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for file descriptors, for a while at most; end the process if the loop stood still."""
        ready = super().select(self._longest_wait if timeout is None else min(timeout, self._longest_wait))
        now = self._clock()
        if now - self._last_beat >= self.limit_seconds:
            end_stuck(f"The event loop stood still for {now - self._last_beat:.1f} s (limit {self.limit_seconds:g} s)")
        self._last_beat = now
        return ready


class FencedEventLoop(asyncio.SelectorEventLoop):
    """An event loop that ends the process (75) rather than go on after a standstill."""

    def __init__(self, selector: FencedSelector) -> None:
        super().__init__(selector)
        self.fence = selector
        threading.Thread(target=self._watch, name="loop-watchdog", daemon=True).start()

    def run_forever(self) -> None:
        """Run until `stop`. The time in which the loop did not run is no standstill."""
        self.fence.beat()
        super().run_forever()

    def _watch(self) -> None:
        while not self.is_closed():
            time.sleep(self.fence.limit_seconds / 8)
            standstill = self.fence.standstill_seconds()
            if self.is_running() and standstill >= self.fence.limit_seconds:
                end_stuck(f"The event loop has been blocked for {standstill:.1f} s", show_stacks=True)


def fenced_event_loop(session_timeout: float) -> FencedEventLoop:
    """Return a new event loop that may stand still for less than 0.8 x ``session_timeout`` seconds."""
    return FencedEventLoop(FencedSelector(STANDSTILL_SHARE * session_timeout))


def beat_or_die() -> None:
    """End the process if the running loop has stood still: to be called before a send, a commit or a write of state.

    Needed where long work and a write share one step of the loop. Does nothing on a loop without a fence (tests, tools).
    """
    loop = asyncio.get_running_loop()
    if isinstance(loop, FencedEventLoop) and loop.fence.standstill_seconds() >= loop.fence.limit_seconds:
        end_stuck(f"One step of the event loop took {loop.fence.standstill_seconds():.1f} s")


def end_stuck(what: str, *, show_stacks: bool = False) -> NoReturn:
    """Say ``what`` happened on stderr and end at once with 75: no handler runs, no buffer is flushed."""
    # In a thread of its own, for a bounded time: whoever reads stderr may have stopped reading.
    words = threading.Thread(
        target=_last_words, args=(f"{what}: ending with {EXIT_STUCK}.\n", show_stacks), daemon=True
    )
    words.start()
    words.join(_LAST_WORDS_SECONDS)
    os._exit(EXIT_STUCK)


def _last_words(text: str, show_stacks: bool) -> None:
    os.write(sys.__stderr__.fileno() if sys.__stderr__ is not None else 2, text.encode())
    if show_stacks:
        faulthandler.dump_traceback(all_threads=True)
