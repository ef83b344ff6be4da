"""Verdicts and violations over time, through the merger: what a service's owner sees.

A service has ten requests a second; a tick at the end moves the watermark. Windows of 1 min hop by 10 s.
"""

from operator import attrgetter, sub
from typing import Any

import pytest

from fake_ingest import Record, Worker, start
from merger_feed import HOUR_MS, T0, Feed, event, only, tick
from merger_runs import policy, verdicts, violations
from ragpulse.schemas.policy import Policy
from ragpulse.schemas.signal import Signal
from ragpulse.schemas.sla import ObjectiveName, SlaCompliance, Violation, ViolationPhase
from ragpulse.streams.alerting.fingerprint import fingerprint
from ragpulse.streams.windows.merger import Merger
from ragpulse.streams.windows.state import MergerSettings

AVAILABLE = policy({"objectives": {"availability": {"threshold": 0.9, "windows": ["1m"]}}})
FAST_TOO = policy(
    {"objectives": {"availability": {"threshold": 0.9, "windows": ["1m"]}, "p95_latency_ms": {"threshold": 500}}}
)


def requests(from_s: int, to_s: int, **fields: Any) -> list[Record]:
    return [event(at_ms, **fields) for at_ms in range(from_s * 1000, to_s * 1000, 100)]


def play(log: list[Record], promised: Policy = AVAILABLE) -> Feed:
    """Flush twice a second of append time."""
    feed, worker = Feed(promised), start([log])
    for index, record in enumerate(log):
        worker.readers[0].read(1)
        if index + 1 == len(log) or log[index + 1].append_ms // 500 != record.append_ms // 500:
            feed.take(worker.flush())
            worker.commit()
    feed.take(worker.flush())
    return feed


def provisional(feed: Feed) -> list[SlaCompliance]:
    return [one for one in verdicts(feed.outputs) if not one.final]


def finals(feed: Feed) -> list[SlaCompliance]:
    return [one for one in verdicts(feed.outputs) if one.final]


def phases(feed: Feed) -> list[tuple[ViolationPhase, int, bool]]:
    return [(one.phase, (one.at_ms - T0) // 1000, one.confirmed) for one in violations(feed.outputs)]


def test_a_provisional_verdict_is_published_when_it_changes_and_for_the_newest_window() -> None:
    #  0 s ─ ok ─ 60 s ─ error ─ 90 s ─ ok ─ 180 s
    feed = play([*requests(0, 60), *requests(60, 90, status="error"), *requests(90, 180)])

    assert ["insufficient_data", "compliant", "violated", "compliant"] == [one.status for one in provisional(feed)]
    seen = provisional(feed)[2]
    # Of the window [10 s, 70 s), 500 requests were well and more than 55 have failed by 66 s.
    assert (T0 + 10_000, 65) == (seen.window.start_ms, (seen.at_ms - T0) // 1000)
    assert (0.9, 60_000) > (seen.availability, seen.window.size_ms)


def test_a_final_verdict_is_given_at_each_hop_changed_or_not() -> None:
    feed = play([*requests(0, 60), tick(100_000)])

    assert list(range(10, 100, 10)) == [(one.at_ms - T0) // 1000 for one in finals(feed)]
    assert {True} == {one.sla_compliant for one in finals(feed)}


def test_a_known_service_that_is_silent_has_no_data_and_is_not_well() -> None:
    feed = play([*requests(0, 10), tick(60_000), tick(130_000)])

    silent = [one for one in finals(feed) if one.status == "no_data"]
    assert list(range(70, 130, 10)) == [(one.at_ms - T0) // 1000 for one in silent]
    assert {(None, None, 0)} == {(one.sla_compliant, one.compliance_score, one.samples) for one in silent}


def test_a_breach_opens_early_is_confirmed_goes_on_and_ends_with_the_first_window_that_is_kept() -> None:
    feed = play([*requests(0, 60), *requests(60, 180, status="error"), *requests(180, 300), tick(310_000)])

    assert [
        (ViolationPhase.OPENED, 65, False),  # provisional, in [10 s, 70 s)
        (ViolationPhase.CONFIRMED, 70, True),
        (ViolationPhase.CONTINUING, 130, True),
        (ViolationPhase.CONTINUING, 190, True),
        (ViolationPhase.ENDED, 240, True),  # [180 s, 240 s)
    ] == phases(feed)
    assert {T0 + 10_000} == {one.opened_window.start_ms for one in violations(feed.outputs)}
    assert 1 == len({one.violation_id for one in violations(feed.outputs)})


def test_a_breach_that_later_requests_of_the_window_make_good_is_not_confirmed() -> None:
    feed = play([*requests(0, 1, status="error"), *requests(1, 70), tick(80_000)])

    # 10 of 10 at first, 10 of 100 in the end
    assert [(ViolationPhase.OPENED, 0, False), (ViolationPhase.NOT_CONFIRMED, 10, False)] == phases(feed)


def test_silence_ends_no_violation() -> None:
    feed = play([*requests(0, 60, status="error"), tick(70_000), tick(HOUR_MS)])

    assert ViolationPhase.ENDED not in [phase for phase, _, _ in phases(feed)]


def test_every_step_of_a_violation_is_a_signal_under_the_fingerprint_of_its_alert() -> None:
    feed = play([*requests(0, 60, status="error"), tick(70_000)])

    steps = violations(feed.outputs)
    signals = [(one.key, one.event) for one in feed.outputs if isinstance(one.event, Signal)]
    key = fingerprint("availability_sla", "acme", "search", "availability")
    assert [(key, step.id, step.at_ms, step) for step in steps] == [
        (key, signal.id, signal.at_ms, signal.violation) for key, signal in signals
    ]
    assert {("violations", "acme,search")} == {
        (one.topic, one.key) for one in feed.outputs if isinstance(one.event, Violation)
    }


def test_a_service_silent_for_a_day_is_forgotten_with_a_last_event_and_its_violations_end() -> None:
    feed = play([*requests(0, 60, status="error"), tick(70_000), tick(2 * 24 * HOUR_MS)])
    while feed.take(start([[tick(0)]]).flush()):
        pass

    last = verdicts(feed.outputs)[-1]
    assert ("forgotten", T0 + 60_000, 24 * HOUR_MS, 0) == (
        last.status,
        last.window.start_ms,
        last.window.size_ms,
        last.samples,
    )
    assert last.at_ms == violations(feed.outputs)[-1].at_ms == T0 + 60_000 + 24 * HOUR_MS
    assert ViolationPhase.ENDED == violations(feed.outputs)[-1].phase
    assert None is violations(feed.outputs)[-1].current_value
    assert 0 == feed.merger.standing().services


def test_a_forgotten_service_that_comes_back_is_known_again() -> None:
    feed = play([*requests(0, 60), tick(26 * HOUR_MS), *requests(26 * 3600, 26 * 3600 + 60), tick(27 * HOUR_MS)])
    feed.take(start([[tick(0)]]).flush())

    statuses = [one.status for one in finals(feed)]
    assert 1 == statuses.count("forgotten")
    assert "compliant" in statuses[statuses.index("forgotten") :]
    assert 1 == feed.merger.standing().services


def test_variants_are_merged_and_other_operations_left_out() -> None:
    log = [
        *requests(0, 5, variant="a", status="error"),
        *requests(5, 10, variant="b"),
        *requests(10, 11, operation="document_retrieval", status="error"),
        tick(80_000),
    ]

    assert {(100, 0.5)} == {(one.samples, one.availability) for one in finals(play(log)) if one.at_ms == T0 + 60_000}


def test_late_events_revise_the_verdict_and_open_no_violation() -> None:
    late = [Record(T0 + 71_000, one.event) for one in requests(0, 10, status="error")]
    feed = play([*requests(0, 10), event(70_000), *late, tick(80_000)])

    first, last = [one for one in finals(feed) if one.at_ms == T0 + 60_000]
    assert [("compliant", 100), ("violated", 200)] == [(one.status, one.samples) for one in (first, last)]
    assert first.revision < last.revision
    assert [] == [one for one in violations(feed.outputs) if one.confirmed]


def test_a_long_window_tells_every_minute_that_it_is_still_breached_before_it_is_final() -> None:
    long = policy({"objectives": {"availability": {"threshold": 0.9, "windows": ["30m"]}}})
    feed = play(
        [*requests(0, 20, status="error"), *(event(at_ms, status="error") for at_ms in range(20_000, 200_000, 5_000))],
        long,
    )

    assert [
        (ViolationPhase.OPENED, False),
        (ViolationPhase.CONTINUING, False),
        (ViolationPhase.CONTINUING, False),
        (ViolationPhase.CONTINUING, False),
    ] == [(phase, confirmed) for phase, _, confirmed in phases(feed)]
    times_ms = [one.at_ms for one in violations(feed.outputs)]
    assert [] == [gap for gap in map(sub, times_ms[1:], times_ms) if not 60_000 <= gap < 66_000]
    # The window is added up from panes of 5 min, of 10 s and from open ones.
    assert [10, 210] <= [violations(feed.outputs)[0].samples, violations(feed.outputs)[-1].samples]


def test_an_early_verdict_counts_what_a_closed_pane_was_closed_without() -> None:
    #  partition 0  ───────────────────────────── tick 75 s ── errors at 70 s
    #  partition 1  10 requests at 55 s, uncommitted; its watermark is 45 s; then silence beyond the hold limit
    feed = Feed(AVAILABLE, MergerSettings(hold_ms=20_000))
    speaker = only(0, [tick(75_000), *(event(70_000 + number, status="error") for number in range(10))])
    other = only(1, [event(55_000) for _ in range(10)])
    other.readers[1].read(10)
    feed.take(other.flush())
    speaker.readers[0].read(1)
    for _ in range(5):
        feed.take(speaker.flush(), after_ms=5_000)
    assert T0 + 65_000 - 5_000 == feed.merger.standing().sealed_through_ms

    feed.restart()
    speaker.readers[0].read(10)
    (violated,) = [
        one for one in map(attrgetter("event"), feed.take(speaker.flush())) if isinstance(one, SlaCompliance)
    ]
    assert ("violated", 20, False) == (violated.status, violated.samples, violated.final)


def test_what_is_promised_is_looked_up_again_when_too_many_services_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ragpulse.streams.sla.book._REMEMBERED", 1)
    feed = play([event(0, service="a"), event(1, service="b"), event(2, service="a"), tick(70_000)])

    assert {"a", "b"} == {one.service for one in finals(feed)}


# --- another policy


def restarted(feed: Feed, promised: Policy) -> Feed:
    again = Feed(promised)
    again.merger = Merger.restore(feed.merger.snapshot(), promised)
    again.offset, again.now_ms = feed.offset, feed.now_ms
    return again


def more(log: list[Record]) -> Worker:
    worker = start([log])
    worker.readers[0].read(len(log))
    return worker


def test_violations_of_promises_that_are_no_longer_made_end_with_the_next_step() -> None:
    log = [*requests(0, 60, status="error"), tick(70_000)]
    feed = play(log, FAST_TOO)
    latency_only = policy({"objectives": {"p95_latency_ms": {"threshold": 500}}})
    again = restarted(restarted(feed, latency_only), latency_only)
    again.take(more(log).flush())

    (ended,) = violations(again.outputs)
    assert (ViolationPhase.ENDED, ObjectiveName.AVAILABILITY) == (ended.phase, ended.objective)
    assert ended.violation_id == violations(feed.outputs)[0].violation_id


def test_a_service_that_nothing_is_promised_for_any_more_is_let_go() -> None:
    log = [*requests(0, 60, status="error"), tick(70_000)]
    again = restarted(play(log), policy({"service": "other", "objectives": {"availability": {"threshold": 0.9}}}))
    again.take(more([*log, tick(400_000)]).flush())

    assert [ViolationPhase.ENDED] == [one.phase for one in violations(again.outputs)]
    assert [] == verdicts(again.outputs)


def test_verdicts_name_the_policy_they_were_judged_by() -> None:
    log = [*requests(0, 60), tick(70_000)]
    again = restarted(play(log), FAST_TOO)
    again.take(more([*log, tick(400_000)]).flush())

    assert {FAST_TOO.digest()} == {one.policy_digest for one in verdicts(again.outputs)}
    assert AVAILABLE.digest() != FAST_TOO.digest()
