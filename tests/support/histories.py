"""Histories: source logs, and ways in which workers that read, flush, commit, die and haunt turn them into flushes."""

from hypothesis import strategies as st

from fake_ingest import Event, Record, Worker, start
from merger_runs import PartialsLog, finish, policy, read_to_end, twin
from ragpulse.streams.windows.state import MergerSettings

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


KINDS = ["read", "read", "read", "flush", "everything", "split", "commit", "crash", "zombie", "haunt", "repeat"]
SHORT_HOLD = MergerSettings(hold_ms=20_000)


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

    def _alone(self, who: int, _: int) -> None:
        """The other worker is silent for longer than SHORT_HOLD."""
        for _ in range(5):
            self._read(who, 3)
            self.log.write(self.workers[who].flush(), after_ms=5_000)
            self.workers[who].commit()

    def finish(self) -> PartialsLog:
        for worker in self.workers:
            read_to_end(worker)
            finish(worker, self.log)
        for worker in self.workers:
            finish(worker, self.log)
        return self.log


History = tuple[list[list[Record]], PartialsLog, list[int]]
"""A source log, one way in which its flushes came about, and where the merger is restarted."""


@st.composite
def histories(draw: st.DrawFn, kinds: list[str] = KINDS) -> History:
    logs = draw(source_logs())
    cluster = Cluster(logs, draw(st.lists(st.integers(0, 1), min_size=len(logs), max_size=len(logs))))
    actions = st.tuples(st.sampled_from(kinds), st.integers(0, 1), st.integers(0, 50))
    for action in draw(st.lists(actions, min_size=10, max_size=60)):
        cluster.act(*action)
    log = cluster.finish()
    stops = st.integers(0, len(log.flushes))
    return logs, log, draw(st.lists(stops, max_size=3) | st.just(list(range(len(log.flushes)))))
