"""A whole pipeline of real worker processes on a real broker, for tests."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from ragpulse.console.supervisor import Supervisor, Worker

POLICY = """
version: 1
sla:
  services:
    - service: "*"
      objectives:
        p95_latency_ms: {threshold: 2000, windows: ["1m"]}
        availability: {threshold: 0.9, windows: ["1m"]}
channels: []
routes: []
"""


@dataclass
class Pipeline:
    """Workers under the product's own supervisor, with a topic prefix of their own."""

    bootstrap: str
    directory: Path
    prefix: str
    environment: dict[str, str]
    supervisor: Supervisor
    kills: int = 0
    _ended: set[str] = field(default_factory=set)

    def start(self, role: str, count: int = 1) -> list[Worker]:
        """Start workers of a role."""
        return self.supervisor.start(role, count)

    def kill(self, worker: Worker, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a worker's process group."""
        assert worker.process is not None
        os.killpg(worker.process.pid, number)
        self.kills += 1

    def ragpulse(self, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run the command line in this pipeline's environment."""
        return subprocess.run(
            [sys.executable, "-m", "ragpulse.console.cli", *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            **options,
        )

    def wait_ready(self, workers: Iterable[Worker], seconds: float = 40) -> None:
        """Wait until each worker's /readyz says yes."""
        from urllib.error import URLError
        from urllib.request import urlopen

        def ready(worker: Worker) -> bool:
            assert worker.process is not None
            card = self.directory / "state" / "workers" / f"{worker.role}-{worker.process.pid}.json"
            try:
                port = json.loads(card.read_text())["port"]
                with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                    return bool(answer.status == 200)
            except (OSError, URLError, ValueError):
                return False

        waiting = list(workers)
        self.until(lambda: all(ready(worker) for worker in waiting), seconds, "workers become ready")

    def until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for a condition while the supervisor watches; fail with the workers' last words."""
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            self.supervisor.watch()
            if condition():
                return
            sleep(0.1)
        logs = {worker.name: worker.log_file.read_text()[-1500:] for worker in self.supervisor.workers}
        message = f"not within {seconds} s: {what}\n" + "\n".join(f"--- {name}\n{log}" for name, log in logs.items())
        raise AssertionError(message)

    def read(self, topic: str) -> list[dict[str, Any]]:
        """Return all records of a topic, from beginning to present end, with `_offset`, `_partition`, `_timestamp`."""
        return list(read_topic(self.bootstrap, f"{self.prefix}{topic}"))


@contextmanager
def pipeline(bootstrap: str, directory: Path, policy: str = POLICY, **settings: str) -> Iterator[Pipeline]:
    """Create topics and yield a pipeline without workers; stop all workers at the end."""
    prefix = f"t{uuid4().hex[:8]}."
    (directory / "policy.yaml").write_text(policy)
    environment = {
        "RAGPULSE_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
        "RAGPULSE_KAFKA__SESSION_TIMEOUT_SECONDS": "6",
        "RAGPULSE_TOPIC_PREFIX": prefix,
        "RAGPULSE_STATE_DIR": str(directory / "state"),
        "RAGPULSE_POLICY_FILE": str(directory / "policy.yaml"),
        **settings,
    }
    found = Pipeline(bootstrap, directory, prefix, environment, Supervisor(directory / "logs", environment))
    created = found.ragpulse("topics", "create")
    assert created.returncode == 0, created.stderr
    try:
        yield found
    finally:
        for worker in found.supervisor.workers:
            if worker.process is not None and worker.process.poll() is None:
                os.killpg(worker.process.pid, signal.SIGCONT)
        found.supervisor.stop(15)


def read_topic(bootstrap: str, topic: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a topic up to its present end."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False})
    try:
        parts = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10) for p in parts}
        left = {p for p, (low, high) in ends.items() if high > low}
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in left])
        deadline = monotonic() + 60
        while left and monotonic() < deadline:
            for message in consumer.consume(5000, 0.5):
                if message.error() is not None:
                    continue
                if message.partition() in left:
                    yield _record(message)
                if message.offset() >= ends[message.partition()][1] - 1:
                    left.discard(message.partition())
        assert not left, f"{topic} could not be read to its end"
    finally:
        consumer.close()


def _record(message: Any) -> dict[str, Any]:
    value = message.value()
    fields = json.loads(value) if value else {}
    record = fields if isinstance(fields, dict) else {"value": fields}
    return {
        **record,
        "_offset": message.offset(),
        "_partition": message.partition(),
        "_timestamp": message.timestamp()[1],
        "_raw": value,
    }


def produce(bootstrap: str, topic: str, records: Iterable[tuple[str | None, bytes]], **options: Any) -> int:
    """Write raw records (key, value); return how many."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "compression.type": "lz4", "acks": "all"})
    count = 0
    for key, value in records:
        while True:
            try:
                producer.produce(topic, value, key, **options)
                break
            except BufferError:
                producer.poll(0.1)
        count += 1
        if count % 1000 == 0:
            producer.poll(0)
    producer.flush()
    return count
