"""One ingest worker, everything on, against the librdkafka folding loop, on one preloaded topic, in turns.

python benchmarks [EVENTS] [ROUNDS]: prints a table and writes benchmarks/out/ingest.json.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, time
from typing import Any

import msgspec
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from event import events
from ragpulse.agents.broker_admin import BrokerAdmin
from ragpulse.agents.kafka_config import connection
from ragpulse.agents.settings import load_settings
from ragpulse.agents.topic_setup import create_topics
from ragpulse.console.broker import start_broker, stop_broker
from ragpulse.schemas.window_partial import Flush

SOURCE = "rag.query-events"
PARTIALS = "rag.window-partials"
PARTITIONS = 4
OUT = Path(__file__).parent / "out" / "ingest.json"
WORKER_SECONDS = 300.0


@contextmanager
def broker() -> Iterator[str]:
    """Start an embedded broker with ragpulse's topics; yield its address."""
    with tempfile.TemporaryDirectory(prefix="ragpulse-bench-") as directory:
        started = start_broker(Path(directory), ephemeral=True, say=lambda _: None)
        os.environ["RAGPULSE_KAFKA__BOOTSTRAP_SERVERS"] = started.bootstrap_servers
        os.environ["RAGPULSE_STATE_DIR"] = directory
        settings = load_settings()
        try:
            create_topics(BrokerAdmin(connection(settings)), settings)
            yield started.bootstrap_servers
        finally:
            stop_broker(Path(directory), say=lambda _: None)


def preload(bootstrap: str, count: int, services: int = 1_000) -> None:
    """Write the events, evenly over the partitions."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "linger.ms": 50,
            "batch.size": 900_000,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    first_ms = int(time() * 1000) - 3_600_000
    for index, value in enumerate(events(count, services, first_ms=first_ms)):
        while True:
            try:
                producer.produce(SOURCE, value, partition=index % PARTITIONS)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()


def run_limit(bootstrap: str, count: int) -> float:
    """Return events a second of the librdkafka loop."""
    shown = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "limit.py"), bootstrap, SOURCE, str(count)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(shown.stdout.split("events/s")[0].split()[-1].replace(",", ""))


def run_ingest(bootstrap: str, count: int) -> tuple[float, float]:
    """Return events a second and the largest resident memory in MB of one ingest worker on the whole topic."""
    _rewind(bootstrap)
    begin = _ends(bootstrap, PARTIALS)
    worker = subprocess.Popen([sys.executable, "-m", "ragpulse.console", "worker", "ingest"], stderr=subprocess.DEVNULL)
    try:
        rate, megabytes = _measure(bootstrap, begin, count, worker.pid)
    finally:
        worker.terminate()
        worker.wait(30)
    return rate, megabytes


def _rewind(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    start = [TopicPartition(SOURCE, partition, 0) for partition in range(PARTITIONS)]
    futures = admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions("rag.ingest", start)])
    for future in futures.values():
        future.result(30)


def _ends(bootstrap: str, topic: str) -> list[int]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench-ends"})
    try:
        return [
            consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)[1]
            for partition in range(PARTITIONS)
        ]
    finally:
        consumer.close()


def _measure(bootstrap: str, begin: list[int], count: int, pid: int) -> tuple[float, float]:
    """Follow the progress that flushes report; the rate is that between the first and the last flush."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench", "enable.auto.commit": False})
    consumer.assign([TopicPartition(PARTIALS, 0, begin[0])])
    reached: dict[int, int] = {}
    first: tuple[float, int] | None = None
    megabytes = 0.0
    deadline = monotonic() + WORKER_SECONDS
    try:
        while monotonic() < deadline:
            megabytes = max(megabytes, _resident_megabytes(pid))
            message = consumer.poll(0.1)
            if message is None or message.error() is not None:
                continue
            for progress in msgspec.json.decode(message.value() or b"", type=Flush).progress:
                reached[progress.partition] = max(progress.reached, reached.get(progress.partition, 0))
            done, at = sum(reached.values()), message.timestamp()[1] / 1000
            if first is None and done:
                first = (at, done)
            if done >= count and first is not None:
                return (done - first[1]) / (at - first[0]), megabytes
    finally:
        consumer.close()
    text = f"ingest read {sum(reached.values())} of {count} events within {WORKER_SECONDS:g} s"
    raise AssertionError(text)


def _resident_megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main(count: int, rounds: int) -> dict[str, Any]:
    """Run limit and ingest in turns; return medians and their ratio."""
    rates: dict[str, list[float]] = {"limit": [], "ingest": []}
    megabytes = 0.0
    with broker() as bootstrap:
        preload(bootstrap, count)
        for _ in range(rounds):
            rates["limit"].append(run_limit(bootstrap, count))
            rate, seen = run_ingest(bootstrap, count)
            rates["ingest"].append(rate)
            megabytes = max(megabytes, seen)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "events": count,
        "rounds": rounds,
        "ingest_over_limit": round(medians["ingest"] / medians["limit"], 3),
        **{f"{name}_events_per_second": round(value) for name, value in medians.items()},
        "max_rss_mb": round(megabytes, 1),
    }


def report(figures: dict[str, Any]) -> None:
    """Print the figures and write them to the file."""
    for name, value in figures.items():
        print(f"{name:<32}{value:>14}")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=2) + "\n")
