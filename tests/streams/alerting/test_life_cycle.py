"""The life of alerts, told as timelines (seconds after the start)."""

import pytest

from alert_timelines import (
    CONFIRMED,
    CONTINUING,
    ENDED,
    NOT_CONFIRMED,
    START_MS,
    alerts,
    at,
    messages,
    policy,
    run,
    violation_id,
)
from ragpulse.schemas.alert import AlertState
from ragpulse.schemas.errors import ContractError
from ragpulse.schemas.signal import Signal
from ragpulse.schemas.sla import ObjectiveName, Severity
from ragpulse.streams.alerting.book import REMEMBERED_MS, AlertBook, Outcome
from ragpulse.streams.alerting.life_cycle import Reason

FIRING, RESOLVED = AlertState.FIRING, AlertState.RESOLVED


def reasons(outcomes: list[Outcome]) -> list[Reason]:
    return [outcome.reason for outcome in outcomes]


def states(outcomes: list[Outcome]) -> list[tuple[int, AlertState]]:
    """Return (second, state) of each transition."""
    return [((alert.at_ms - START_MS) // 1000, alert.state) for alert in alerts(outcomes)]


def test_a_violation_fires_an_alert_and_its_end_resolves_it() -> None:
    #  0 ─ opened ─── 60 confirmed ─── 120 continuing ─── 600 ended
    outcomes = run(
        [at(0).violation(), at(60).violation(CONFIRMED), at(120).violation(CONTINUING), at(600).violation(ENDED)]
    )

    assert reasons(outcomes) == [
        Reason.FIRST_CAUSE, Reason.CAUSE_CONTINUES, Reason.CAUSE_CONTINUES, Reason.LAST_CAUSE_ENDED,
    ]  # fmt: skip
    assert states(outcomes) == [(0, FIRING), (600, RESOLVED)]
    fired, resolved = alerts(outcomes)
    assert fired.alert_id == resolved.alert_id
    assert (fired.previous_state, resolved.previous_state) == (None, FIRING)
    assert (fired.confirmed, resolved.confirmed) == (False, True)
    assert (resolved.started_at_ms, resolved.resolved_at_ms) == (START_MS, START_MS + 600_000)


def test_several_windows_of_one_objective_are_one_alert() -> None:
    #  1m  ├──────────────┤ 90
    #  5m      ├ 20 ──────────────┤ 400
    #  30m         ├ 40 ──────────────────┤ 2000
    outcomes = run(
        [
            at(0).violation(window="1m"),
            at(20).violation(window="5m"),
            at(40).violation(window="30m"),
            at(90).violation(ENDED, window="1m"),
            at(400).violation(ENDED, window="5m"),
            at(2000).violation(ENDED, window="30m"),
        ],
    )

    assert reasons(outcomes) == [
        Reason.FIRST_CAUSE, Reason.FURTHER_CAUSE, Reason.FURTHER_CAUSE,
        Reason.CAUSES_REMAIN, Reason.CAUSES_REMAIN, Reason.LAST_CAUSE_ENDED,
    ]  # fmt: skip
    assert states(outcomes) == [(0, FIRING), (2000, RESOLVED)]
    assert [alert.causes for alert in alerts(outcomes)] == [
        [violation_id(ObjectiveName.P95_LATENCY_MS, "1m", 0)],
        [violation_id(ObjectiveName.P95_LATENCY_MS, "30m", 0)],
    ]


def test_nine_identical_violations_are_one_alert() -> None:
    # Defect D9 of the first implementation: six identical events made 18 alerts.
    outcomes = run([at(second).violation() for second in range(9)])

    assert states(outcomes) == [(0, FIRING)]
    assert reasons(outcomes)[1:] == [Reason.CAUSE_CONTINUES] * 8
    assert len(messages(outcomes)) == 1


def test_what_the_final_figures_do_not_confirm_resolves_saying_so() -> None:
    outcomes = run([at(0).violation(), at(70).violation(NOT_CONFIRMED)])

    assert reasons(outcomes) == [Reason.FIRST_CAUSE, Reason.NOT_CONFIRMED]
    withdrawn = alerts(outcomes)[1]
    assert (withdrawn.state, withdrawn.confirmed, withdrawn.why.reason) == (RESOLVED, False, "not_confirmed")
    assert withdrawn.title == "Withdrawn: p95 latency of search kept its promise of at most 2500 ms"


def test_a_withdrawn_window_beside_a_confirmed_one_is_an_ordinary_end() -> None:
    outcomes = run(
        [
            at(0).violation(window="1m"),
            at(5).violation(window="5m"),
            at(60).violation(CONFIRMED, window="1m"),
            at(80).violation(ENDED, window="1m"),
            at(90).violation(NOT_CONFIRMED, window="5m"),
        ],
    )

    assert reasons(outcomes)[-2:] == [Reason.CAUSES_REMAIN, Reason.LAST_CAUSE_ENDED]
    assert alerts(outcomes)[-1].confirmed is True


def test_a_new_breach_after_the_end_is_a_new_alert() -> None:
    outcomes = run(
        [at(0).violation(), at(60).violation(ENDED), at(90).violation(began=90), at(120).violation(ENDED, began=90)]
    )

    assert states(outcomes) == [(0, FIRING), (60, RESOLVED), (90, FIRING), (120, RESOLVED)]
    first, second = alerts(outcomes)[0], alerts(outcomes)[2]
    assert first.fingerprint == second.fingerprint
    assert first.alert_id != second.alert_id


def test_objectives_and_services_have_alerts_of_their_own() -> None:
    outcomes = run(
        [
            at(0).violation(),
            at(0).violation(objective=ObjectiveName.AVAILABILITY),
            at(0).violation(service="chat"),
            at(0).violation(tenant="acme"),
        ],
    )

    assert len({alert.alert_id for alert in alerts(outcomes)}) == 4
    assert len({alert.fingerprint for alert in alerts(outcomes)}) == 4


def test_a_withdrawn_claim_that_later_figures_confirm_is_a_new_alert() -> None:
    # slo opens early at window B; the final of the earlier window A is breached too, so A takes B's place and B is
    # withdrawn; A ends; then the final of B is breached after all.
    outcomes = run(
        [
            at(40).violation(began=40),
            at(50).violation(began=20, confirmed=True),
            at(50).violation(NOT_CONFIRMED, began=40),
            at(60).violation(ENDED, began=20),
            at(70).violation(began=40, confirmed=True),
            at(71).violation(NOT_CONFIRMED, began=40),  # said again by a worker that was killed
            at(72).violation(CONTINUING, began=40, confirmed=True),
            at(90).violation(ENDED, began=40),
        ],
    )

    assert reasons(outcomes) == [
        Reason.FIRST_CAUSE, Reason.FURTHER_CAUSE, Reason.CAUSES_REMAIN, Reason.LAST_CAUSE_ENDED,
        Reason.FIRST_CAUSE, Reason.REPEATED, Reason.CAUSE_CONTINUES, Reason.LAST_CAUSE_ENDED,
    ]  # fmt: skip
    assert states(outcomes) == [(40, FIRING), (60, RESOLVED), (70, FIRING), (90, RESOLVED)]
    assert len({alert.alert_id for alert in alerts(outcomes)}) == 2


def test_an_alert_fires_also_where_the_beginning_was_never_seen() -> None:
    outcomes = run([at(0).violation(CONFIRMED)])

    assert reasons(outcomes) == [Reason.FIRST_CAUSE]
    assert alerts(outcomes)[0].confirmed is True


def test_an_end_without_a_beginning_changes_nothing_and_is_remembered() -> None:
    outcomes = run([at(0).violation(ENDED), at(1).violation()])

    assert reasons(outcomes) == [Reason.NEVER_BEGAN, Reason.REPEATED]
    assert alerts(outcomes) == []


def test_an_ended_violation_is_remembered_for_a_day_of_signal_time() -> None:
    day = REMEMBERED_MS // 1000
    outcomes = run(
        [
            at(0).violation(), at(10).violation(ENDED),
            at(9 + day).violation(),  # a replay within the day
            at(10 + day).tick(),
            at(11 + day).violation(),  # beyond: rather a second alert than a missed one
        ],
    )  # fmt: skip

    assert reasons(outcomes)[2:] == [Reason.REPEATED, Reason.TIME_ONLY, Reason.FIRST_CAUSE]


def test_at_most_so_many_ended_violations_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragpulse.streams.alerting.book.REMEMBERED_CAUSES", 2)
    ended = [at(second).violation(ENDED, began=second) for second in range(4)]

    outcomes = run([*ended, at(9).violation(began=3), at(9).violation(began=0)])

    assert reasons(outcomes)[4:] == [Reason.REPEATED, Reason.FIRST_CAUSE]


def test_an_alert_never_ends_before_it_began() -> None:
    outcomes = run([at(100).violation(window="5m"), at(40).violation(ENDED, window="5m")])

    resolved = alerts(outcomes)[1]
    assert (resolved.at_ms, resolved.resolved_at_ms) == (START_MS + 40_000, START_MS + 100_000)


def test_a_signal_at_an_offset_that_was_handled_changes_nothing() -> None:
    book, rules = AlertBook(), policy()
    book.step(at(0).violation(), 5, rules, "d")
    before = book.snapshot()

    outcome = book.step(at(60).violation(ENDED), 5, rules, "d")

    assert outcome == Outcome(Reason.REPEATED)
    assert book.snapshot() == before


def test_a_tick_only_tells_the_time() -> None:
    assert run([at(0).tick()]) == [Outcome(Reason.TIME_ONLY)]


def test_a_signal_without_its_body_is_refused() -> None:
    with pytest.raises(ContractError, match="says it is a violation and carries none"):
        run([Signal(id="s", at_ms=0, kind="violation")])


def test_a_silent_partition_is_an_alert_of_ragpulse_about_itself() -> None:
    outcomes = run([at(15).pipeline("opened", since=0), at(40).pipeline("ended", since=0)])

    fired, resolved = alerts(outcomes)
    assert (fired.type, fired.service, fired.severity, fired.confirmed) == (
        "pipeline_health",
        None,
        Severity.HIGH,
        None,
    )
    assert fired.causes == ["silent_partition:rag.query-events/3"]
    assert fired.title == "High: ragpulse about itself: silent_partition:rag.query-events/3"
    assert (resolved.state, resolved.alert_id) == (RESOLVED, fired.alert_id)


def test_one_silence_reported_by_several_workers_is_one_alert_and_one_end() -> None:
    outcomes = run(
        [
            at(15).pipeline("opened", since=0),
            at(16).pipeline("opened", since=1, reporter=1),
            at(16).pipeline("opened", since=0, reporter=2),
            at(40).pipeline("ended", since=0),
            at(41).pipeline("ended", since=1, reporter=1),
            at(41).pipeline("ended", since=0, reporter=2),
        ],
    )

    assert states(outcomes) == [(15, FIRING), (40, RESOLVED)]


def test_each_partition_and_each_silence_has_an_alert_of_its_own() -> None:
    outcomes = run(
        [
            at(15).pipeline("opened", partition=1),
            at(15).pipeline("opened", partition=2),
            at(40).pipeline("ended", partition=1),
            at(99).pipeline("opened", partition=1, since=84),
        ],
    )

    assert states(outcomes) == [(15, FIRING), (15, FIRING), (40, RESOLVED), (99, FIRING)]
    assert len({alert.alert_id for alert in alerts(outcomes)}) == 3
