"""Single traits of the merger, each shown by a short timeline. What must hold for any history is in test_flush_schedule."""

import pytest

from fake_ingest import Event, Record, Worker, place, start
from merger_feed import HOUR_MS, NOTHING_PROMISED, T0, Feed, event, only, tick
from merger_runs import LOG_START_MS, final_verdicts, first_windows, last_windows, policy, verdicts, windows
from naive_windows import naive_windows
from ragpulse.schemas.errors import ContractError
from ragpulse.schemas.signal import Signal
from ragpulse.schemas.window_partial import FLUSH_VERSION, Flush, Progress
from ragpulse.streams.alerting.fingerprint import fingerprint
from ragpulse.streams.windows.merger import Merger
from ragpulse.streams.windows.outbox import Output
from ragpulse.streams.windows.state import MergerSettings

# --- closing


def test_a_window_closes_when_the_watermark_reaches_its_end_and_not_before() -> None:
    #  event  60 s tick ─► watermark 50 s        70 s tick ─► watermark 60 s
    #  |----- window [0, 60 s) ---------------------------------|
    feed = Feed()
    worker = start([[event(0), tick(60_000), tick(70_000)]])
    worker.readers[0].read(2)
    assert 50_000 == max(window.at_ms for window in windows(feed.take(worker.flush()))) - T0

    worker.readers[0].read(1)
    closed = [window for window in windows(feed.take(worker.flush())) if window.window_size_ms == 60_000]
    assert [T0] == [window.window_start_ms for window in closed]


def test_all_six_sizes_are_published_for_every_series_with_data_and_equal_a_recomputation() -> None:
    logs = [
        [event(at_ms, service=f"s{at_ms % 2}", latency_us=1_000 + at_ms, user=f"u{at_ms % 7}", variant="b" * (at_ms % 3 == 0))
         for at_ms in range(0, 26 * HOUR_MS, 977_123)]
        + [tick(52 * HOUR_MS)],
    ]  # fmt: skip
    feed = Feed()
    feed.take_all(start(logs))
    while feed.merger.step(feed.offset, feed.now_ms, Flush(FLUSH_VERSION, [], [], 0)).is_behind:
        feed.offset += 1

    naive = naive_windows(place(logs[0]), late=False)
    published = first_windows(feed.outputs)
    assert {60_000, 300_000, 1_800_000, HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS} == {key[4] for key in published}
    shown = {key: {name: window[name] for name in naive[key]} for key, window in published.items()}
    assert {key: naive[key] for key in published} == shown


def test_one_jump_of_the_watermark_is_worked_off_in_several_steps_and_loses_nothing() -> None:
    promised = policy({"objectives": {"availability": {"threshold": 0.9, "windows": ["1m"]}}})
    log = [event(0, service=f"s{number}") for number in range(3)] + [tick(HOUR_MS * 8)]
    feed = Feed(promised)
    worker = start([log])
    worker.readers[0].read(len(log))

    counts = [len(feed.take(worker.flush())) for _ in range(4)]

    assert 5_010 > max(counts)
    assert 0 == counts[-1]
    assert 3 * (8 * 360 - 1) == len(final_verdicts(feed.outputs))


def test_a_step_says_when_more_is_ready() -> None:
    promised = policy({"objectives": {"availability": {"threshold": 0.9, "windows": ["1m"]}}})
    worker = start([[event(0), tick(HOUR_MS * 20)]])
    worker.readers[0].read(2)
    merger = Merger(promised)

    assert [True, False] == [merger.step(offset, 1, worker.flush()).is_behind for offset in range(2)]


# --- late events


def test_late_events_revise_a_final_window_as_they_are_folded() -> None:
    log = [event(0), event(100_000), Record(T0 + 100_500, Event(T0 + 1_000)), tick(110_000)]
    feed = Feed()
    feed.take_all(start([log]))

    first, last = [one for one in windows(feed.outputs) if (one.window_start_ms, one.window_size_ms) == (T0, 60_000)]
    assert (1, 0, 2, 1) == (first.count, first.late_count, last.count, last.late_count)
    assert (True, True) == (first.final, last.final)
    assert first.revision < last.revision
    assert first.id != last.id


def test_too_late_events_are_counted_where_they_arrive_and_change_no_measurement() -> None:
    log = [event(0), event(2 * HOUR_MS), Record(T0 + 2 * HOUR_MS, Event(T0 + 1_000)), tick(2 * HOUR_MS + 100_000)]
    feed = Feed()
    feed.take_all(start([log]))

    counts = {(one.count, one.too_late_count) for one in windows(feed.outputs) if one.window_size_ms == 60_000}
    assert {(1, 0), (1, 1)} == counts


def test_late_events_of_an_hour_ago_still_revise() -> None:
    log = [event(at_ms) for at_ms in range(0, HOUR_MS, 5_000)]
    log += [Record(T0 + HOUR_MS, Event(T0 + 20_000)), tick(HOUR_MS + 5_000), tick(2 * HOUR_MS + 300_000)]
    feed = Feed()
    worker = start([log])
    for _ in range(len(log)):
        worker.readers[0].read(1)
        feed.take(worker.flush())
        worker.commit()
    feed.take(worker.flush())

    whole = {
        key[4:]: window["late_count"] for key, window in last_windows(feed.outputs).items() if key[5] <= T0 + 20_000
    }
    assert [1] * 6 == [whole[60_000, T0 + start_ms] for start_ms in range(-30_000, 30_000, 10_000)]
    assert 1 == whole[300_000, T0]


def test_panes_that_no_late_event_can_reach_are_dropped() -> None:
    feed = Feed()
    worker = start([[event(at_ms) for at_ms in range(0, 4 * HOUR_MS, 10_000)]])
    sizes = []
    for _ in range(48):
        worker.readers[0].read(30)
        feed.take(worker.flush())
        worker.commit()
        sizes.append(sum(map(len, feed.merger.snapshot())))

    assert 1.15 > sizes[-1] / sizes[len(sizes) // 2]


# --- identity


def test_a_record_that_was_taken_before_changes_nothing() -> None:
    feed = Feed()
    worker = start([[event(0), tick(70_000)]])
    worker.readers[0].read(2)
    flush = worker.flush()
    feed.take(flush)
    before = feed.merger.snapshot()

    assert () == feed.merger.step(0, feed.now_ms, flush).outputs
    assert before == feed.merger.snapshot()


def test_a_flush_of_another_version_is_refused() -> None:
    with pytest.raises(ContractError, match="upgrade slo before ingest"):
        Merger(NOTHING_PROMISED).step(0, 1, Flush(FLUSH_VERSION + 1, [], [], 0))


# --- silence


def test_a_silent_partition_is_reported_once_and_its_return_too() -> None:
    feed = Feed()
    speaker, other = only(0, [tick(0)]), only(1, [tick(0)])
    feed.take(other.flush())
    signals = [signal for _ in range(6) for signal in feed.take(speaker.flush(), after_ms=5_000)]
    signals += feed.take(other.flush(), after_ms=1_000)

    key = fingerprint("pipeline_health", None, None, "silent_partition:rag.query-events/1")
    assert [("signals", key)] * 2 == [(one.topic, one.key) for one in signals]
    bodies = [one.event.pipeline_health for one in signals if isinstance(one.event, Signal)]
    since_ms = LOG_START_MS + 500
    assert [("opened", since_ms, since_ms + 15_000), ("ended", since_ms, since_ms + 31_000)] == [
        (body.phase, body.since_ms, body.at_ms) for body in bodies if body
    ]


def test_only_the_merger_that_is_told_to_reports_on_silence() -> None:
    feed = Feed(settings=MergerSettings(reports_health=False))
    speaker = only(0, [tick(0)])

    assert [] == [one for _ in range(6) for one in feed.take(speaker.flush(), after_ms=5_000)]
    assert (1,) == feed.merger.standing().silent_partitions


def silence(feed: Feed, worker: Worker, minutes: int) -> list[Output]:
    return [one for _ in range(12 * minutes) for one in feed.take(worker.flush(), after_ms=5_000)]


def test_finals_wait_for_a_silent_partition_until_the_hold_limit_and_then_name_it() -> None:
    #  partition 0  e───────────────────────────────tick 200 s
    #  partition 1  e── watermark 55 s, uncommitted, then silence
    feed = Feed()
    speaker, other = only(0, [event(0), tick(200_000)]), only(1, [event(1_000), tick(65_000)])
    for worker in (speaker, other):
        worker.readers[min(worker.readers)].read(2)
        feed.take(worker.flush())

    assert [] == [one for one in windows(silence(feed, speaker, 14)) if one.at_ms > T0 + 50_000]
    closed = {
        one.at_ms - T0: (one.count, one.incomplete)
        for one in windows(silence(feed, speaker, 2))
        if one.window_size_ms == 60_000
    }
    # What it had told before its watermark is counted; what it may hold beyond is not known.
    assert {60_000: (2, [1])} == closed


def test_a_partition_that_comes_back_revises_what_was_closed_without_it_exactly_once() -> None:
    feed = Feed()
    speaker = only(0, [event(0), tick(200_000)])
    other = only(1, [event(1_000), event(30_000), event(40_000), tick(200_000)])
    speaker.readers[0].read(2)
    other.readers[1].read(2)
    feed.take(other.flush())
    silence(feed, speaker, 16)
    assert {(1, (1,)), (2, (1,))} >= {
        (one.count, tuple(one.incomplete)) for one in windows(feed.outputs) if one.at_ms > T0 + 20_000
    }

    before = len(feed.outputs)
    feed.take_all(other.reborn())
    feed.take(speaker.flush())

    revised = [one for one in windows(feed.outputs[before:]) if one.window_size_ms == 60_000]
    assert len(revised) == len({one.window_start_ms for one in revised})
    assert {(4, ())} == {(one.count, tuple(one.incomplete)) for one in revised if one.window_start_ms == T0}
    assert () == feed.merger.standing().silent_partitions


# --- memory


def test_folded_parts_of_a_pane_that_is_held_open_are_merged() -> None:
    #  partition 1 is never heard of, so nothing is sealed while partition 0 commits segment after segment
    log = [record for number in range(40) for record in (event(number), tick(number))]
    feed, worker = Feed(), only(0, log)
    for _ in range(40):
        worker.readers[0].read(2)
        feed.take(worker.flush())
        worker.commit()
    feed.take(worker.flush())
    assert 5_000 > sum(map(len, feed.merger.snapshot()))

    feed.take_all(only(1, [tick(100_000)]))
    worker.readers[0].placed += place([tick(100_000)])
    feed.take_all(worker)
    assert 40 == first_windows(feed.outputs)["acme", "search", "query_processing", None, 60_000, T0]["count"]


def test_names_of_series_that_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragpulse.streams.windows.state._NAMES_KEPT", 5)
    feed, worker = Feed(), start([[event(number * HOUR_MS, variant=f"v{number}") for number in range(70)]])
    for _ in range(70):
        worker.readers[0].read(1)
        feed.take(worker.flush())
        worker.commit()
    state = feed.merger._state

    assert 62 > len(state.names)
    assert set(state.names) == {series for found in state.series_of.values() for series in found}


# --- topics and partitions


def test_a_topic_made_anew_starts_new_watermarks_and_keeps_what_was_counted() -> None:
    feed = Feed()
    old = only(0, [event(0), tick(25_000)], partitions=1)
    old.readers[0].read(2)
    feed.take(old.flush())

    new = only(0, [event(5_000), event(12_000), tick(90_000)], partitions=1, topic_id="topic-2")
    feed.take_all(new)
    assert [] == feed.take(old.flush(everything=True))

    window = last_windows(feed.outputs)["acme", "search", "query_processing", None, 60_000, T0]
    assert 3 == window["count"]


def test_a_partition_that_is_added_is_waited_for_and_its_earlier_events_revise() -> None:
    feed = Feed()
    first = only(0, [event(0), tick(70_000), tick(130_000)], partitions=1)
    first.readers[0].read(2)
    feed.take(first.flush())
    assert T0 + 60_000 == feed.merger.standing().sealed_through_ms

    first.partitions = 2
    first.readers[0].read(1)
    assert [] == windows(feed.take(first.flush()))
    feed.take_all(only(1, [event(2_000), tick(130_000)]))

    assert {0: T0 + 120_000, 1: T0 + 120_000} == feed.merger.standing().watermarks_ms
    assert 2 == last_windows(feed.outputs)["acme", "search", "query_processing", None, 60_000, T0]["count"]


def test_events_that_come_back_after_everything_over_them_was_dropped_are_counted_as_such() -> None:
    feed = Feed(settings=MergerSettings(hold_ms=20_000))
    other = only(1, [event(0), tick(1_000)])
    feed.take(other.flush())
    speaker = only(0, [event(0), *(tick(at_ms * HOUR_MS) for at_ms in range(1, 40))])
    for _ in range(40):
        speaker.readers[0].read(1)
        for _ in range(3):
            feed.take(speaker.flush(), after_ms=5_000)
        speaker.commit()
    feed.take_all(other)

    assert 1 == feed.merger.standing().unplaced_events


def test_a_worker_that_lists_no_cells_yet_still_names_its_partitions() -> None:
    feed = Feed()
    feed.take(Flush(FLUSH_VERSION, [], [Progress("topic-1", 0, 3, 0, 0, None)], 0))

    assert {0: None, 1: None, 2: None} == feed.merger.standing().watermarks_ms


def test_nothing_is_judged_where_nothing_is_promised() -> None:
    feed = Feed()
    feed.take_all(start([[event(0), tick(400_000)]]))

    assert [] == verdicts(feed.outputs)
