"""`ragpulse demo`: replay a real trace with an outage and a latency fault, watch it break and recover, count everything."""

import threading
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

import msgspec
import orjson
from confluent_kafka import Producer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from ragpulse.agents.log_reader import LogReader
from ragpulse.client import Client
from ragpulse.console.demo import detection, reconciliation
from ragpulse.console.demo.observer import TOPICS, Observer
from ragpulse.console.demo.reconciliation import Counts
from ragpulse.console.demo.stage import Stage, stage
from ragpulse.console.demo.view import Picture, render
from ragpulse.console.replay import (
    PACKAGED_TRACE,
    Fault,
    Plan,
    Request,
    Span,
    duration_seconds,
    play,
    read_trace,
    schedule,
)
from ragpulse.schemas.query_event import QueryEvent
from ragpulse.streams.topology import QUERY_EVENTS

SHORTEST_REPLAY_SECONDS: Final = 120.0  # a fault, its end, and a whole clean minute after it
CLOSING_SECONDS: Final = 180.0  # the last minute's windows close by ticks; the rest is slack
FAULTS: Final = (
    Fault("outage", "support-bot", Span(0.10, 0.25, "fraction")),
    Fault("latency", "contract-search", Span(0.30, 0.48, "fraction"), 2.0),
)
EXPECTED_ALERT: Final = {"outage": "availability_sla", "latency": "response_time_sla", "quality": "quality_sla"}
BAD_RECORDS: Final = (
    b"not json at all",
    b'{"event_id": "bad-1", "service": "support-bot"}',
    b'{"event_id": "bad-2", "occurred_at_ms": "yesterday", "service": "support-bot"}',
    b"",
)


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What `ragpulse demo` was asked for."""

    trace: Path = PACKAGED_TRACE
    speed: float = 30.0
    only_json: bool = False


def run_demo(options: DemoOptions) -> int:
    """Run the demo; return 0 only if every count reconciles.

    Raises:
        RagpulseError: it could not be set up or a worker ended for good; the text says what to do.

    """
    requests = read_trace(options.trace)
    console = Console(quiet=options.only_json)
    console.print("[bold]ragpulse demo[/]: setting up a Kafka broker, topics and one worker a role ...")
    with stage() as running, Observer(running.connection.librdkafka_options(), running.prefix) as observer:
        play_ = Play(running, observer, requests, options.speed)
        play_.run(console)
        counts = play_.counts()
        delays = detection.delays_ms(
            _of_faults(observer.records("alerts")), observer.records("violations"), _source(running)
        )
    summary = _summary(counts, delays)
    if options.only_json:
        print(orjson.dumps(summary).decode())  # noqa: T201 - the command's output
    else:
        _print_summary(console, summary, counts)
    return 0 if summary["reconciled"] else 1


class Play:
    """One replay, from its first event to the last count."""

    def __init__(self, running: Stage, observer: Observer, requests: list[Request], speed: float) -> None:
        self._stage = running
        self._observer = observer
        natural = duration_seconds(requests, Plan(speed=speed))
        self._plan = Plan(speed=speed, faults=FAULTS, duration_seconds=max(natural, SHORTEST_REPLAY_SECONDS))
        self._requests = requests
        self._produced = 0
        self._sent = 0
        self._sending = threading.Thread(target=self._send, name="demo-replay", daemon=True)
        self._stop = threading.Event()
        self._failure: Exception | None = None

    def run(self, console: Console) -> None:
        """Send, watch and draw until every count reconciles or time is up."""
        began = monotonic()
        with Live(console=console, refresh_per_second=4, transient=False) as live:
            self._sending.start()
            try:
                while not self._over(monotonic() - began):
                    self._stage.supervisor.watch()
                    live.update(render(self._picture(monotonic() - began)))
                    sleep(0.25)
            finally:
                self._stop.set()
                self._sending.join()
            live.update(render(self._picture(monotonic() - began)))
        if self._failure is not None:
            raise self._failure

    def counts(self) -> Counts:
        """Count what a subscriber sees by now."""
        records = {topic: self._observer.records(topic) for topic in TOPICS}
        return reconciliation.count(records, self._produced, len(self._stage.receiver.received))

    def _over(self, elapsed: float) -> bool:
        if self._sending.is_alive():
            return False
        counts = self.counts()
        return (counts.alerts > 0 and not counts.problems()) or elapsed > (
            self._plan.duration_seconds or 0
        ) + CLOSING_SECONDS

    def _send(self) -> None:
        try:
            self._produced += self._send_bad_records()
            with Client(self._stage.connection.bootstrap_servers, topic_prefix=self._stage.prefix) as client:
                play(schedule(self._requests, self._plan), client, stop=self._stop, on_sent=self._count_sent)
                client.flush()
                self._produced += client.statistics.delivered
        except Exception as error:  # noqa: BLE001 - told to the person by the main thread
            self._failure = error

    def _count_sent(self, _: QueryEvent) -> None:
        self._sent += 1

    def _send_bad_records(self) -> int:
        producer = Producer(self._stage.connection.librdkafka_options())
        for record in BAD_RECORDS:
            producer.produce(QUERY_EVENTS.full_name(self._stage.prefix), record)
        return len(BAD_RECORDS) - producer.flush(30)

    def _picture(self, elapsed: float) -> Picture:
        sending = self._sending.is_alive()
        duration = self._plan.duration_seconds or 1.0
        return Picture(
            stage="replaying the trace" if sending else "waiting for the last windows to close",
            done=elapsed / duration,
            produced=self._sent,
            rate=self._sent / max(elapsed, 1.0) if sending else 0.0,
            verdicts=self._observer.records("sla-compliance"),
            alerts=self._observer.records("alerts"),
            received=len(self._stage.receiver.received),
            faults=[_in_words(fault, duration) for fault in FAULTS],
        )


def _in_words(fault: Fault, duration: float) -> str:
    return (
        f"{fault.kind} in {fault.service} from {fault.span.start * duration:.0f} s to {fault.span.end * duration:.0f} s"
    )


def _of_faults(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the alerts that the injected faults led to: how fast others came is no measure of a known beginning."""
    expected = {(fault.service, EXPECTED_ALERT[fault.kind]) for fault in FAULTS}
    return [alert for alert in alerts if (alert["service"], alert["type"]) in expected]


def _source(running: Stage) -> list[detection.SourceEvent]:
    reader = LogReader(running.connection.librdkafka_options())
    topic = QUERY_EVENTS.full_name(running.prefix)
    found = []
    for partition in range(QUERY_EVENTS.partitions):
        for record in reader.last(topic, partition, 10_000_000):
            event = _decoded(record.value)
            if event is not None:
                found.append(
                    detection.SourceEvent(
                        record.timestamp_ms,
                        event.occurred_at_ms,
                        event.tenant or "default",
                        event.service,
                        event.operation,
                        event.status,
                        event.latency_ms,
                        event.quality_score,
                    )
                )
    return found


def _decoded(value: bytes | None) -> QueryEvent | None:
    try:
        return msgspec.json.decode(value or b"", type=QueryEvent)
    except msgspec.DecodeError:
        return None


def _summary(counts: Counts, delays: list[int]) -> dict[str, Any]:
    return {
        "produced": counts.produced,
        "accepted": counts.accepted,
        "rejected": counts.rejected,
        "verdicts": counts.verdicts,
        "violations": counts.violations,
        "alerts": counts.alerts,
        "notifications_received": counts.notifications_received,
        "resolved": counts.resolved,
        "detection_delay_ms": detection.summary(delays),
        "reconciled": not counts.problems(),
    }


def _print_summary(console: Console, summary: dict[str, Any], counts: Counts) -> None:
    table = Table("count", "value", title="Summary, by distinct id", title_justify="left")
    for name, value in summary.items():
        table.add_row(name.replace("_", " "), str(value))
    console.print(table)
    for problem in counts.problems():
        console.print(f"[red]does not reconcile:[/] {problem}")
