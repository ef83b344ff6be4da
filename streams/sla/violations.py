"""The life of a violation: one (tenant, service, objective, window size), from the first breached window to the first kept one.

::

                   provisional breach                    final of that window
    nothing ───────────────────────────► OPENED (early) ──────────────────────► CONFIRMED ──► goes on
       │                                    └── it disagrees ──► NOT_CONFIRMED
       └── final breach ──► OPENED (confirmed) ──► CONTINUING, at most once a minute ──► ENDED: first final that is kept

Final verdicts come in the order of their windows and alone decide what is confirmed, so confirmed violations follow from
the source log; an early opening only tells sooner. Windows that were not judged neither open nor end.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from msgspec import Struct

from ragpulse.schemas.sla import Outcome, ViolationPhase

CONTINUING_MS: Final = 60_000


class OpenViolation(Struct, frozen=True):
    """A violation that has not ended."""

    opened_ms: int  # start of the first breached window: part of its id
    confirmed: bool
    told_ms: int  # event time of its last opening, confirmation or continuing


@dataclass(frozen=True, slots=True)
class Sighting:
    """One objective of one verdict."""

    outcome: Outcome
    window_start_ms: int
    at_ms: int  # end of the window; for a provisional verdict the event time reached


class Reason(StrEnum):
    """Why a violation did or did not take a step."""

    NOT_JUDGED = "not_judged"
    KEPT = "kept"  # nothing is violated
    FIRST_BREACH = "first_breach"
    EARLIER_BREACH = "earlier_breach"  # the final of a window before the one that opened it early
    AGREED = "agreed"  # the final of the window that opened it
    DISAGREED = "disagreed"
    STILL_BREACHED = "still_breached"
    TOLD_LATELY = "told_lately"  # still breached, and said less than a minute ago
    EARLIER_WINDOW = "earlier_window"  # kept, but before the window that opened it early
    KEPT_AGAIN = "kept_again"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one violation, to be published."""

    phase: ViolationPhase
    violation: OpenViolation


@dataclass(frozen=True, slots=True)
class Decision:
    """The violation after a verdict, what to publish, in order, and why."""

    after: OpenViolation | None
    reason: Reason
    steps: tuple[Step, ...] = ()


def on_provisional(before: OpenViolation | None, seen: Sighting) -> Decision:
    """Take a provisional verdict: it may open a violation early and keep telling of it, and decides nothing else."""
    if seen.outcome is not Outcome.BREACHED:
        return Decision(before, Reason.NOT_JUDGED if seen.outcome is not Outcome.MET else Reason.KEPT)
    if before is None:
        return _open(seen, confirmed=False)
    if before.confirmed:
        return Decision(before, Reason.TOLD_LATELY)  # its finals tell, so that the telling follows from the source log
    return _continue(before, seen)


def on_final(before: OpenViolation | None, seen: Sighting) -> Decision:
    """Take the final verdict of a window."""
    if before is None:
        return _first(seen)
    if not before.confirmed:
        return _settle(before, seen)
    if seen.outcome is Outcome.BREACHED:
        return _continue(before, seen)
    if seen.outcome is Outcome.MET:
        return Decision(None, Reason.KEPT_AGAIN, (Step(ViolationPhase.ENDED, before),))
    return Decision(before, Reason.NOT_JUDGED)


def _first(seen: Sighting) -> Decision:
    if seen.outcome is Outcome.BREACHED:
        return _open(seen, confirmed=True)
    return Decision(None, Reason.KEPT if seen.outcome is Outcome.MET else Reason.NOT_JUDGED)


def _settle(before: OpenViolation, seen: Sighting) -> Decision:
    """Confirm or withdraw a violation that was opened early."""
    is_breached = seen.outcome is Outcome.BREACHED
    if seen.window_start_ms < before.opened_ms:
        if not is_breached:
            return Decision(before, Reason.EARLIER_WINDOW)
        # Seen from the source log alone the violation began here: it takes the place of the early one.
        opened = OpenViolation(seen.window_start_ms, confirmed=True, told_ms=seen.at_ms)
        steps = (Step(ViolationPhase.OPENED, opened), Step(ViolationPhase.NOT_CONFIRMED, before))
        return Decision(opened, Reason.EARLIER_BREACH, steps)
    if is_breached:
        confirmed = OpenViolation(before.opened_ms, confirmed=True, told_ms=seen.at_ms)
        return Decision(confirmed, Reason.AGREED, (Step(ViolationPhase.CONFIRMED, confirmed),))
    return Decision(None, Reason.DISAGREED, (Step(ViolationPhase.NOT_CONFIRMED, before),))


def _open(seen: Sighting, *, confirmed: bool) -> Decision:
    opened = OpenViolation(seen.window_start_ms, confirmed, seen.at_ms)
    return Decision(opened, Reason.FIRST_BREACH, (Step(ViolationPhase.OPENED, opened),))


def _continue(before: OpenViolation, seen: Sighting) -> Decision:
    if seen.at_ms - before.told_ms < CONTINUING_MS:
        return Decision(before, Reason.TOLD_LATELY)
    told = OpenViolation(before.opened_ms, before.confirmed, seen.at_ms)
    return Decision(told, Reason.STILL_BREACHED, (Step(ViolationPhase.CONTINUING, told),))
