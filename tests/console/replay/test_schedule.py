"""What a replay sends, and when."""

from collections import Counter
from itertools import groupby, pairwise
from statistics import mean

import msgspec
import pytest

from ragpulse.client.encoding import encoded
from ragpulse.console.replay import (
    Fault,
    Plan,
    Request,
    Span,
    duration_seconds,
    parse_fault,
    read_trace,
    schedule,
    service_names,
)
from ragpulse.schemas.errors import UsageError
from ragpulse.schemas.query_event import QueryEvent

NOW_MS = 1_700_000_000_000
TRACE = [Request(float(second), 500, 100) for second in range(2000)]


def events(*faults: Fault, seed: int = 1) -> list[QueryEvent]:
    return [event for _, event in schedule(TRACE, Plan(faults=faults, seed=seed, run_id="r"))]


def p95(found: list[QueryEvent]) -> float:
    latencies = sorted(event.latency_ms for event in found if event.latency_ms is not None)
    return latencies[int(0.95 * len(latencies))]


def test_gaps_are_divided_by_the_speed_and_ids_are_unique() -> None:
    found = list(schedule(TRACE, Plan(speed=10, run_id="r")))

    assert [second / 10 for second in range(2000)] == [due for due, _ in found]
    assert [f"r-{index}" for index in range(2000)] == [event.event_id for _, event in found]


def test_the_same_seed_gives_the_same_events_and_another_seed_others() -> None:
    def as_bytes(seed: int) -> bytes:
        return msgspec.json.encode(events(seed=seed))

    assert as_bytes(1) == as_bytes(1)
    assert as_bytes(1) != as_bytes(2)


def test_two_replays_do_not_share_event_ids() -> None:
    first, second = (next(schedule(TRACE, Plan()))[1].event_id for _ in range(2))

    assert first != second


def test_every_event_of_the_packaged_trace_keeps_the_contract() -> None:
    plan = Plan(faults=(parse_fault("latency:*:0-0.5:20"), parse_fault("outage:*:0.5-1")))
    for _, event in schedule(read_trace()[::10], plan):
        event.occurred_at_ms = NOW_MS
        encoded(event, NOW_MS)


def test_a_duration_cuts_the_trace_or_repeats_it() -> None:
    short, long = Plan(duration_seconds=100), Plan(speed=100, duration_seconds=50)

    assert [float(second) for second in range(100)] == [due for due, _ in schedule(TRACE, short)]
    found = list(schedule(TRACE, long))
    assert 5000 == len(found) == len({event.event_id for _, event in found})
    assert all(later[0] > earlier[0] for earlier, later in pairwise(found))


def test_three_minutes_at_speed_thirty_judge_every_service_in_every_minute() -> None:
    plan = Plan(speed=30, duration_seconds=180)
    found = [(int(due // 60), event.service) for due, event in schedule(read_trace(), plan)]

    per_minute = Counter(found)
    assert 3 * len(service_names(3)) == len(per_minute)
    assert min(per_minute.values()) >= 100 * 20  # a hundred times the least number of samples


def test_without_faults_the_services_keep_what_the_demo_promises() -> None:
    plan = Plan(speed=30, duration_seconds=180)
    by_service = sorted((event for _, event in schedule(read_trace(), plan)), key=lambda event: event.service)

    for _, group in groupby(by_service, key=lambda event: event.service):
        found = list(group)
        assert p95(found) < 20_000
        assert mean(event.status == "ok" for event in found) > 0.97
        assert mean(event.quality_score for event in found if event.quality_score is not None) > 0.6


def test_a_latency_fault_slows_its_service_in_its_span_and_changes_nothing_else() -> None:
    before, after = events(), events(Fault("latency", "support-bot", Span(500, 1000)))

    for second, (was, now) in enumerate(zip(before, after, strict=True)):
        struck = was.service == "support-bot" and 500 <= second < 1000 and was.latency_ms is not None
        expected = was.latency_ms * 4 if struck and was.latency_ms is not None else was.latency_ms
        assert now.latency_ms == (None if expected is None else pytest.approx(expected))
        assert (was.status, was.service, was.documents) == (now.status, now.service, now.documents)


def test_an_outage_fails_its_share_of_requests_and_leaves_no_measurements_behind() -> None:
    found = events(Fault("outage", "*", Span(0.25, 0.75, "fraction"), 0.5))[500:1500]

    failed = [event for event in found if event.status == "error"]
    assert 400 < len(failed) < 600
    assert {(None, None, None, None)} == {
        (event.latency_ms, event.cost_usd, event.quality_score, event.documents) for event in failed
    }


def test_a_quality_fault_lowers_the_score() -> None:
    scores = [
        event.quality_score for event in events(Fault("quality", "*", Span(0, 1, "fraction"))) if event.quality_score
    ]

    assert 0.35 < mean(scores) < 0.45


def test_what_would_last_longer_than_a_minute_times_out() -> None:
    timed_out = [event for event in events(Fault("latency", "*", Span(0, 2000), 100)) if event.status == "timeout"]

    assert len(timed_out) > 1900
    assert {(60_000.0, None)} == {(event.latency_ms, event.cost_usd) for event in timed_out}


def test_services_beyond_the_third_are_numbered() -> None:
    assert ["support-bot", "contract-search", "claims-assistant", "support-bot-2"] == service_names(4)
    assert 40 == len(set(service_names(40)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latency:support-bot:60s-90s", Fault("latency", "support-bot", Span(60, 90))),
        ("outage:*:0.25-0.5", Fault("outage", "*", Span(0.25, 0.5, "fraction"))),
        ("quality:a:1s-2.5s:0.3", Fault("quality", "a", Span(1, 2.5), 0.3)),
    ],
)
def test_faults_are_read_from_their_short_form(text: str, expected: Fault) -> None:
    assert expected == parse_fault(text)


@pytest.mark.parametrize(
    "text",
    ["", "latency", "flood:a:1s-2s", "latency:a:2s-1s", "latency:a:1s-2", "latency:a:0.5-1.5", "latency:a:1.2.3-2"],
)
def test_another_form_is_refused_with_the_right_one(text: str) -> None:
    with pytest.raises(UsageError, match="latency:support-bot:60s-90s"):
        parse_fault(text)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"speed": 0}, "The speed 0 is not above 0"),
        ({"services": 0}, "0 services is not between 1 and 1000"),
        ({"duration_seconds": 0}, "The duration is not above 0"),
        ({"faults": (Fault("latency", "nobody", Span(0, 1)),)}, "no service 'nobody' for a fault: choose of"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(settings: dict[str, float], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Plan(**settings)  # type: ignore[arg-type] # wrong on purpose


def test_a_replay_lasts_as_long_as_the_trace_over_the_speed_or_as_is_said() -> None:
    assert 1999 / 4 == duration_seconds(TRACE, Plan(speed=4))
    assert 7 == duration_seconds(TRACE, Plan(speed=4, duration_seconds=7))
