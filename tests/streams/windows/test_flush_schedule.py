"""Final windows, final verdicts and confirmed violations follow from the source log, whatever happened on the way.

::

    source log ──► workers: read, flush, commit, die, come back as zombies ──► log of flushes ──► merger, restarted
        └───────────────────────── naive recomputation ──────────────────────────────┐               │
                                                                                     └── the same ◄──┘
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fake_ingest import DISORDER_MS, Event, Record, Worker, start
from merger_runs import (
    PartialsLog,
    confirmed_steps,
    final_verdicts,
    finish,
    first_windows,
    last_windows,
    policy,
    read_to_end,
    records_of,
    run,
    settled,
    twin,
)
from naive_windows import naive_windows

T0 = 1_800_000_000_000

PROMISED = policy(
    {
        "service": "search",
        "objectives": {
            "availability": {"threshold": 0.8, "windows": ["1m", "5m"], "minimum_samples": 3},
            "p95_latency_ms": {"threshold": 300, "windows": ["1m"], "minimum_samples": 2},
        },
    },
    {"objectives": {"quality_score": {"threshold": 0.5, "windows": ["1m"], "minimum_samples": 1}}},
)

EVENTS = st.builds(
    Event,
    at_ms=st.integers(-3_000, 500) | st.integers(-60_000, 2_000),
    service=st.sampled_from(["search", "search", "answer"]),
    status=st.sampled_from(["ok", "ok", "ok", "error", "timeout", "rejected"]),
    latency_us=st.sampled_from([None, 0, 1, 90_000, 250_000, 800_000, 2_000_000]),
    operation=st.sampled_from(["query_processing", "query_processing", "document_retrieval"]),
    variant=st.sampled_from(["", "b"]),
    quality=st.sampled_from([None, 100_000, 900_000]),
    cost_nano_usd=st.sampled_from([None, 1, 2**32 + 5]),
    user=st.sampled_from([None, "u1", "u2", "u3"]),
)


GAPS_MS = st.integers(0, 500) | st.integers(0, 9_000)


@st.composite
def source_logs(draw: st.DrawFn) -> list[list[Record]]:
    """Partitions with events, stragglers and ticks, each closed by ticks that carry its watermark far on."""
    logs = []
    for _ in range(draw(st.integers(1, 3))):
        append_ms, records = T0 + draw(st.integers(0, 20_000)), []
        for gap_ms, event in draw(
            st.lists(st.tuples(GAPS_MS, st.just(None) | EVENTS | EVENTS | EVENTS), min_size=5, max_size=30)
        ):
            append_ms += gap_ms
            at_ms = append_ms + event.at_ms if event is not None else 0
            records.append(Record(append_ms, None if event is None else shifted(event, at_ms)))
        records += [Record(T0 + 400_000), Record(T0 + 1_000_000)]
        logs.append(records)
    return logs


def shifted(event: Event, at_ms: int) -> Event:
    return Event(**{**vars(event), "at_ms": at_ms})


ACTIONS = st.tuples(
    st.sampled_from(
        ["read", "read", "read", "flush", "everything", "split", "commit", "crash", "zombie", "haunt", "repeat"]
    ),
    st.integers(0, 1),
    st.integers(0, 50),
)


class Cluster:
    """Two workers that share the partitions, and the zombies of their former selves."""

    def __init__(self, logs: list[list[Record]], owners: list[int]) -> None:
        shares = [[number for number in range(len(logs)) if owners[number] == one] for one in (0, 1)]
        self.workers = [start(logs, share) for share in shares]
        self.zombies: list[Worker] = []
        self.log = PartialsLog()

    def act(self, kind: str, who: int, amount: int) -> None:
        getattr(self, f"_{kind}")(who, amount)

    def _read(self, who: int, amount: int) -> None:
        for reader in self.workers[who].readers.values():
            reader.read(amount % (6 + reader.partition))

    def _flush(self, who: int, amount: int) -> None:
        self.log.write(self.workers[who].flush(), after_ms=10 * amount)

    def _everything(self, who: int, amount: int) -> None:
        self.log.write(self.workers[who].flush(everything=True), after_ms=10 * amount)

    def _split(self, who: int, _: int) -> None:
        self.log.write_split(self.workers[who].flush())

    def _commit(self, who: int, _: int) -> None:
        self.log.write(self.workers[who].flush())
        self.workers[who].commit()

    def _crash(self, who: int, _: int) -> None:
        self.workers[who] = self.workers[who].reborn()

    def _zombie(self, who: int, _: int) -> None:
        self.zombies.append(twin(self.workers[who]))

    def _haunt(self, _: int, amount: int) -> None:
        if self.zombies:
            zombie = self.zombies[amount % len(self.zombies)]
            for reader in zombie.readers.values():
                reader.read(amount % 3)
            self.log.write(zombie.flush(everything=True))

    def _repeat(self, _: int, amount: int) -> None:
        if self.log.flushes:
            self.log.repeat(amount)

    def finish(self) -> PartialsLog:
        for worker in self.workers:
            read_to_end(worker)
            finish(worker, self.log)
        for worker in self.workers:
            finish(worker, self.log)
        return self.log


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[list[Record]], PartialsLog, list[int]]:
    """A source log, one way in which its flushes came about, and where the merger is restarted."""
    logs = draw(source_logs())
    cluster = Cluster(logs, draw(st.lists(st.integers(0, 1), min_size=len(logs), max_size=len(logs))))
    for action in draw(st.lists(ACTIONS, min_size=10, max_size=60)):
        cluster.act(*action)
    log = cluster.finish()
    stops = st.integers(0, len(log.flushes))
    return logs, log, draw(st.lists(stops, max_size=3) | st.just(list(range(len(log.flushes)))))


@settings(max_examples=50)
@given(histories())
def test_what_is_final_follows_from_the_source_log_alone(history: Any) -> None:
    logs, log, restarts = history

    expected, outputs = run(settled(logs), PROMISED), run(log, PROMISED, restarts)

    assert first_windows(expected) == first_windows(outputs)
    assert last_windows(expected) == last_windows(outputs)
    assert final_verdicts(expected) == final_verdicts(outputs)
    assert confirmed_steps(expected) == confirmed_steps(outputs)


@settings(max_examples=50)
@given(histories())
def test_windows_equal_a_naive_recomputation_from_raw_events(history: Any) -> None:
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
def test_a_restored_merger_writes_the_same_bytes_as_one_that_never_stopped(history: Any) -> None:
    _, log, restarts = history

    expected, outputs = run(log, PROMISED), run(log, PROMISED, restarts)

    assert [(one.topic, one.key, one.event.to_bytes()) for one in expected] == [
        (one.topic, one.key, one.event.to_bytes()) for one in outputs
    ]


@settings(max_examples=30)
@given(histories())
def test_no_two_records_of_a_topic_share_an_id_and_differ(history: Any) -> None:
    _, log, _ = history

    seen: dict[tuple[str, str], bytes] = {}
    for output in run(log, PROMISED):
        content = output.event.to_bytes()
        assert content == seen.setdefault((output.topic, output.event.id), content)


def test_the_disorder_of_the_driver_is_that_of_the_defaults() -> None:
    assert DISORDER_MS == 10_000
