"""Final windows, final verdicts and confirmed violations follow from the source log, whatever happened on the way.

::

    source log ──► workers: read, flush, commit, die, come back as zombies ──► log of flushes ──► merger, restarted
        └───────────────────────── naive recomputation ──────────────────────────────┐               │
                                                                                     └── the same ◄──┘
"""

from typing import Any

from hypothesis import given, settings

from fake_ingest import DISORDER_MS
from histories import KINDS, PROMISED, SHORT_HOLD, History, histories
from merger_runs import (
    confirmed_steps,
    final_verdicts,
    first_windows,
    last_verdicts,
    last_windows,
    records_of,
    run,
    settled,
    windows,
)
from naive_windows import naive_windows
from ragpulse.schemas.window import Window


@settings(max_examples=50)
@given(histories())
def test_what_is_final_follows_from_the_source_log_alone(history: History) -> None:
    logs, log, restarts = history

    expected, outputs = run(settled(logs), PROMISED), run(log, PROMISED, restarts)

    assert first_windows(expected) == first_windows(outputs)
    assert last_windows(expected) == last_windows(outputs)
    assert final_verdicts(expected) == final_verdicts(outputs)
    assert confirmed_steps(expected) == confirmed_steps(outputs)


@settings(max_examples=50)
@given(histories())
def test_windows_equal_a_naive_recomputation_from_raw_events(history: History) -> None:
    logs, log, _ = history
    placed = [one for partition in records_of(logs) for one in partition]
    through_ms = min(partition[-1].watermark_ms or 0 for partition in records_of(logs))

    outputs = run(log, PROMISED)

    for published, late in ((first_windows(outputs), False), (last_windows(outputs), True)):
        naive = {key: shown for key, shown in naive_windows(placed, late=late).items() if key[4] + key[5] <= through_ms}
        reduced = {key: {name: window[name] for name in naive.get(key, {})} for key, window in published.items()}
        assert naive == {key: shown for key, shown in reduced.items() if late or key in naive}


@settings(max_examples=50)
@given(histories())
def test_a_restored_merger_writes_the_same_bytes_as_one_that_never_stopped(history: History) -> None:
    _, log, restarts = history

    expected, outputs = run(log, PROMISED), run(log, PROMISED, restarts)

    assert [(one.topic, one.key, one.event.to_bytes()) for one in expected] == [
        (one.topic, one.key, one.event.to_bytes()) for one in outputs
    ]


def whole(shown: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    return {key: fields for key, fields in shown.items() if not fields["incomplete"]}


@settings(max_examples=100)
@given(histories([*KINDS, "alone", "alone"]))
def test_windows_that_were_closed_without_a_silent_partition_are_made_whole_when_it_comes_back(
    history: History,
) -> None:
    logs, log, restarts = history

    expected, outputs = run(settled(logs), PROMISED), run(log, PROMISED, restarts, SHORT_HOLD)

    # A partition may end below the others: the last panes stay without it.
    assert last_windows(expected) == whole(last_windows(outputs))
    # A service that only the silent partition knew of was not known to the verdicts of that time.
    verdicts = whole(last_verdicts(outputs))
    assert {key: verdict for key, verdict in last_verdicts(expected).items() if key in verdicts} == verdicts


@settings(max_examples=30)
@given(histories([*KINDS, "alone", "alone"]))
def test_a_restart_in_the_middle_of_a_silence_changes_nothing(history: History) -> None:
    _, log, restarts = history

    expected, outputs = run(log, PROMISED, (), SHORT_HOLD), run(log, PROMISED, restarts, SHORT_HOLD)

    assert [one.event.to_bytes() for one in expected] == [one.event.to_bytes() for one in outputs]


def test_closing_without_a_silent_partition_does_happen_in_these_histories() -> None:
    incomplete: list[Window] = []

    @settings(max_examples=50, database=None)
    @given(histories([*KINDS, "alone", "alone"]))
    def watch(history: History) -> None:
        incomplete.extend(window for window in windows(run(history[1], PROMISED, (), SHORT_HOLD)) if window.incomplete)

    watch()

    assert incomplete != []


@settings(max_examples=30)
@given(histories())
def test_no_two_records_of_a_topic_share_an_id_and_differ(history: History) -> None:
    _, log, _ = history

    seen: dict[tuple[str, str], bytes] = {}
    for output in run(log, PROMISED):
        content = output.event.to_bytes()
        assert content == seen.setdefault((output.topic, output.event.id), content)


def test_the_disorder_of_the_driver_is_that_of_the_defaults() -> None:
    assert DISORDER_MS == 10_000
