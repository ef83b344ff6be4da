"""Telling: what a verdict on one service leads to: its publication and the steps of the violations it touches."""

from collections.abc import Callable

from ragpulse.schemas.sla import Attainment, Outcome, ViolationPhase
from ragpulse.streams.sla.judge import Judgement, judge, outcome_of, status_of
from ragpulse.streams.sla.objectives import Promise
from ragpulse.streams.sla.tracked import Tracked
from ragpulse.streams.sla.verdicts import Seen, verdict_of, violation_of
from ragpulse.streams.sla.violations import Decision, OpenViolation, Sighting, Step, on_final, on_provisional
from ragpulse.streams.windows.aggregate import Aggregate
from ragpulse.streams.windows.outbox import Outbox
from ragpulse.streams.windows.results import Span
from ragpulse.streams.windows.series import Judged

Lookup = Callable[[Judged, Span], Aggregate]
"""Adds up the events that a service is judged on in a window."""


def settle(tracked: Tracked, span: Span, judgement: Judgement, out: Outbox) -> None:
    """Let a final verdict open, confirm, continue and end violations."""
    for promise, one in zip(tracked.promises.by_size_ms[span.size_ms], judgement.attainment, strict=True):
        before = tracked.violations.get((promise.name, span.size_ms))
        decision = on_final(before, Sighting(one.outcome, span.start_ms, span.end_ms))
        _apply(tracked, promise, decision, Seen(span, span.end_ms, one.current_value, one.samples), out)


def foresee(tracked: Tracked, size_ms: int, lookup: Lookup, out: Outbox) -> None:
    """Judge the newest window of a size on its tally; say so where the verdict changed or a violation takes a step."""
    promises = tracked.promises.by_size_ms[size_ms]
    newest = tracked.newest[size_ms]
    tally = newest.tally()
    outcomes = [outcome_of(promise, tally) for promise in promises]
    breached = [promise for promise, outcome in zip(promises, outcomes, strict=True) if outcome is Outcome.BREACHED]
    shown = (status_of(outcomes), *[promise.name for promise in breached])
    steps = [(promise, decision) for promise in breached if (decision := _early(tracked, promise, size_ms)).steps]
    if not steps and shown == tracked.shown.get(size_ms):
        return
    span = Span(newest.start_ms, size_ms, out.revision)
    judgement = judge(lookup(tracked.judged_on, span), tracked.promises, size_ms)
    if shown != tracked.shown.get(size_ms):
        tracked.shown[size_ms] = shown
        out.verdict(verdict_of(tracked.service, span, judgement, out.policy_digest, tracked.head_ms))
    attained = {one.objective: one for one in judgement.attainment}
    for promise, decision in steps:
        _apply(tracked, promise, decision, _seen(span, tracked.head_ms, attained[promise.name]), out)


def _early(tracked: Tracked, promise: Promise, size_ms: int) -> Decision:
    sighting = Sighting(Outcome.BREACHED, tracked.newest[size_ms].start_ms, tracked.head_ms)
    return on_provisional(tracked.violations.get((promise.name, size_ms)), sighting)


def _seen(span: Span, at_ms: int, attained: Attainment) -> Seen:
    return Seen(span, at_ms, attained.current_value, attained.samples)


def end_all(tracked: Tracked, at_ms: int, out: Outbox) -> None:
    """End the violations of a service that is forgotten."""
    for (name, size_ms), violation in tracked.violations.items():
        promise = tracked.promise(name, size_ms)
        assert promise is not None, "violations are of promises: see records.read_services"
        seen = Seen(Span(at_ms - size_ms, size_ms, out.revision), at_ms)
        out.violation(violation_of(tracked.service, promise, last_step(violation), seen, out.policy_digest))
    tracked.violations.clear()


def last_step(violation: OpenViolation) -> Step:
    """Return the last step of a violation that no verdict will end; one that was never confirmed is withdrawn."""
    return Step(ViolationPhase.ENDED if violation.confirmed else ViolationPhase.NOT_CONFIRMED, violation)


def _apply(tracked: Tracked, promise: Promise, decision: Decision, seen: Seen, out: Outbox) -> None:
    key = (promise.name, seen.span.size_ms)
    if decision.after is not None:
        tracked.violations[key] = decision.after
    else:
        tracked.violations.pop(key, None)
    for step in decision.steps:
        out.violation(violation_of(tracked.service, promise, step, seen, out.policy_digest))
