"""One violation through its life. Windows are numbered; window n ends at n + 1 minutes and hops by one minute."""

from ragpulse.schemas.sla import Outcome, ViolationPhase
from ragpulse.streams.sla.violations import Decision, OpenViolation, Reason, Sighting, on_final, on_provisional

MINUTE_MS = 60_000
OPENED, CONTINUING, CONFIRMED, ENDED, WITHDRAWN = (
    ViolationPhase.OPENED,
    ViolationPhase.CONTINUING,
    ViolationPhase.CONFIRMED,
    ViolationPhase.ENDED,
    ViolationPhase.NOT_CONFIRMED,
)


def final(window: int, outcome: Outcome = Outcome.BREACHED) -> Sighting:
    return Sighting(outcome, window * MINUTE_MS, (window + 1) * MINUTE_MS)


def early(window: int, outcome: Outcome = Outcome.BREACHED, after_ms: int = 30_000) -> Sighting:
    return Sighting(outcome, window * MINUTE_MS, window * MINUTE_MS + after_ms)


def shown(decision: Decision) -> tuple[Reason, list[tuple[ViolationPhase, int, bool]]]:
    return decision.reason, [
        (step.phase, step.violation.opened_ms // MINUTE_MS, step.violation.confirmed) for step in decision.steps
    ]


def opened_early(window: int) -> OpenViolation:
    after = on_provisional(None, early(window)).after
    assert after is not None
    return after


def confirmed(window: int) -> OpenViolation:
    after = on_final(None, final(window)).after
    assert after is not None
    return after


def test_a_final_breach_opens_a_confirmed_violation() -> None:
    assert (Reason.FIRST_BREACH, [(OPENED, 3, True)]) == shown(on_final(None, final(3)))


def test_a_provisional_breach_opens_one_early() -> None:
    assert (Reason.FIRST_BREACH, [(OPENED, 3, False)]) == shown(on_provisional(None, early(3)))


def test_what_is_kept_or_not_judged_opens_nothing() -> None:
    for take in (on_final, on_provisional):
        assert (Reason.KEPT, []) == shown(take(None, final(3, Outcome.MET)))
        assert (Reason.NOT_JUDGED, []) == shown(take(None, final(3, Outcome.NO_DATA)))
        assert (Reason.NOT_JUDGED, []) == shown(take(None, final(3, Outcome.INSUFFICIENT_DATA)))


def test_the_final_verdict_of_its_window_confirms_an_early_one() -> None:
    decision = on_final(opened_early(3), final(3))

    assert (Reason.AGREED, [(CONFIRMED, 3, True)]) == shown(decision)
    assert OpenViolation(3 * MINUTE_MS, confirmed=True, told_ms=4 * MINUTE_MS) == decision.after


def test_a_final_verdict_that_disagrees_or_could_not_judge_withdraws_an_early_one() -> None:
    for outcome in (Outcome.MET, Outcome.NO_DATA, Outcome.INSUFFICIENT_DATA):
        decision = on_final(opened_early(3), final(3, outcome))

        assert (Reason.DISAGREED, [(WITHDRAWN, 3, False)]) == shown(decision)
        assert None is decision.after


def test_finals_of_earlier_windows_do_not_touch_an_early_one_unless_they_are_breached() -> None:
    before = opened_early(3)

    for outcome in (Outcome.MET, Outcome.NO_DATA):
        assert Decision(before, Reason.EARLIER_WINDOW) == on_final(before, final(2, outcome))


def test_a_breach_of_an_earlier_window_takes_the_place_of_an_early_one() -> None:
    # The source log alone knows only of windows 2, 3 …: so the violation began with 2.
    decision = on_final(opened_early(3), final(2))

    assert (Reason.EARLIER_BREACH, [(OPENED, 2, True), (WITHDRAWN, 3, False)]) == shown(decision)
    assert confirmed(2) == decision.after


def test_a_violation_goes_on_at_most_once_a_minute() -> None:
    before = confirmed(3)

    assert (Reason.TOLD_LATELY, []) == shown(on_final(before, Sighting(Outcome.BREACHED, 0, before.told_ms + 59_999)))
    decision = on_final(before, final(4))
    assert (Reason.STILL_BREACHED, [(CONTINUING, 3, True)]) == shown(decision)
    assert OpenViolation(3 * MINUTE_MS, confirmed=True, told_ms=5 * MINUTE_MS) == decision.after


def test_an_early_one_goes_on_too_while_its_window_is_open() -> None:
    before = opened_early(3)

    assert (Reason.TOLD_LATELY, []) == shown(on_provisional(before, early(3, after_ms=89_999)))
    assert (Reason.STILL_BREACHED, [(CONTINUING, 3, False)]) == shown(on_provisional(before, early(3, after_ms=90_000)))


def test_provisional_verdicts_say_nothing_of_a_confirmed_violation() -> None:
    before = confirmed(3)

    assert Decision(before, Reason.TOLD_LATELY) == on_provisional(before, early(9))
    assert Decision(before, Reason.KEPT) == on_provisional(before, early(9, Outcome.MET))


def test_the_first_final_verdict_that_is_kept_ends_it() -> None:
    decision = on_final(confirmed(3), final(4, Outcome.MET))

    assert (Reason.KEPT_AGAIN, [(ENDED, 3, True)]) == shown(decision)
    assert None is decision.after


def test_silence_and_too_few_samples_do_not_end_it() -> None:
    before = confirmed(3)

    for outcome in (Outcome.NO_DATA, Outcome.INSUFFICIENT_DATA):
        assert Decision(before, Reason.NOT_JUDGED) == on_final(before, final(4, outcome))
