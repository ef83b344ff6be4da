"""Laws of the book, whatever the signals: order between troubles, replays and restarts change nothing."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alert_timelines import (
    CONFIRMED,
    CONTINUING,
    DIGEST,
    ENDED,
    NOT_CONFIRMED,
    OPENED,
    alerts,
    at,
    messages,
    policy,
    run,
)
from ragpulse.schemas.alert import Alert, AlertState
from ragpulse.schemas.signal import Signal
from ragpulse.schemas.sla import ObjectiveName, ViolationPhase
from ragpulse.streams.alerting.book import AlertBook, Outcome

RULES = policy()
#: What slo says of one violation, in order: phase, and whether final figures stand behind it.
LIVES: list[list[tuple[ViolationPhase, bool]]] = [
    [(OPENED, False), (CONTINUING, False), (CONFIRMED, True), (CONTINUING, True), (ENDED, True)],
    [(OPENED, False), (NOT_CONFIRMED, False)],
    [(OPENED, False), (NOT_CONFIRMED, False), (OPENED, True), (CONTINUING, True), (ENDED, True)],
    [(OPENED, True), (CONTINUING, True)],
    [(OPENED, True), (ENDED, True)],
]


@st.composite
def troubles(draw: st.DrawFn) -> list[list[Signal]]:
    """Draw the signals of up to four services: per service the interleaved lives of violations of several windows."""
    services = draw(st.lists(st.sampled_from(["search", "chat", "mail", "docs"]), min_size=1, max_size=4, unique=True))
    return [draw(_trouble(service)) for service in services]


@st.composite
def _trouble(draw: st.DrawFn, service: str) -> list[Signal]:
    lives = [
        [(*step, window, began) for step in draw(st.sampled_from(LIVES))]
        for window in draw(st.lists(st.sampled_from(["1m", "5m", "30m"]), min_size=1, max_size=3, unique=True))
        for began in draw(st.sampled_from([(0,), (0, 40)]))
    ]
    steps = draw(_interleaved(lives))
    return [
        at(second).violation(
            phase, ObjectiveName.AVAILABILITY, service=service, window=window, began=began, confirmed=confirmed
        )
        for second, (phase, confirmed, window, began) in enumerate(steps)
    ]


@st.composite
def _interleaved(draw: st.DrawFn, lists: list[list[Any]]) -> list[Any]:
    """Draw a merge of lists that keeps the order within each."""
    order = draw(st.permutations([index for index, one in enumerate(lists) for _ in one]))
    iterators = [iter(one) for one in lists]
    return [next(iterators[index]) for index in order]


def without_place(found: list[Alert]) -> dict[str, list[dict[str, Any]]]:
    """Return the transitions by fingerprint, without what the offset of their signal decides."""
    by_fingerprint: dict[str, list[dict[str, Any]]] = {}
    for alert in found:
        by_fingerprint.setdefault(alert.fingerprint, []).append(alert.model_dump(exclude={"id", "signal_offset"}))
    return by_fingerprint


def as_bytes(outcomes: list[Outcome]) -> list[bytes]:
    return [record.to_bytes() for outcome in outcomes for record in (*outcome.transitions, *outcome.notifications)]


@given(troubles(), st.data())
def test_the_order_between_troubles_changes_no_alert(signals: list[list[Signal]], data: st.DataObject) -> None:
    one_by_one = [signal for trouble in signals for signal in trouble]
    mixed = data.draw(_interleaved(signals))

    assert without_place(alerts(run(one_by_one, RULES))) == without_place(alerts(run(mixed, RULES)))


@given(troubles(), st.data())
def test_signals_that_are_written_again_change_no_alert(signals: list[list[Signal]], data: st.DataObject) -> None:
    mixed = data.draw(_interleaved(signals))
    replayed: list[Signal] = []
    for signal in mixed:
        replayed.append(signal)
        start = data.draw(st.integers(0, len(replayed) - 1) | st.just(len(replayed)))
        replayed += replayed[start : start + 5]  # a worker that was killed says the last ones again, in order

    assert without_place(alerts(run(mixed, RULES))) == without_place(alerts(run(replayed, RULES)))


@given(troubles(), st.data())
def test_a_restart_from_a_snapshot_gives_the_same_bytes(signals: list[list[Signal]], data: st.DataObject) -> None:
    mixed = data.draw(_interleaved(signals))
    straight = run(mixed, RULES)
    saved, reread = sorted(data.draw(st.lists(st.integers(0, len(mixed)), min_size=2, max_size=2)))
    book = AlertBook()
    before = run(mixed[:saved], RULES, book)
    state = book.snapshot()
    run(mixed[saved:reread], RULES, book)  # killed here: what was handled after the snapshot is handled again

    restored = AlertBook.restore(state)
    after = [restored.step(signal, offset, RULES, DIGEST) for offset, signal in enumerate(mixed)]

    assert as_bytes(straight) == as_bytes(before) + as_bytes(after)
    whole = AlertBook()
    run(mixed, RULES, whole)
    assert whole.snapshot() == restored.snapshot()


@given(troubles())
def test_every_end_pairs_with_one_beginning(signals: list[list[Signal]]) -> None:
    outcomes = run([signal for trouble in signals for signal in trouble], RULES)

    firing: set[str] = set()
    for alert in alerts(outcomes):
        if alert.state is AlertState.FIRING:
            assert alert.alert_id not in firing
            firing.add(alert.alert_id)
        else:
            assert alert.alert_id in firing
    ids = [alert.id for alert in alerts(outcomes)]
    assert len(ids) == len(set(ids)) == len({message.id for message in messages(outcomes)})
