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
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

from confluent_kafka import Producer

from ragpulse.console.supervisor import Supervisor, Worker
from topic_log import TopicLog, records_of

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
FAULTY_WORKER = Path(__file__).with_name("faulty_worker.py")


@dataclass
class Pipeline:
    """Workers under the product's own supervisor, with a topic prefix of their own."""

    bootstrap: str
    directory: Path
    prefix: str
    environment: dict[str, str]
    supervisor: Supervisor
    kills: int = 0
    released: list[Worker] = field(default_factory=list)

    def start(self, role: str, count: int = 1) -> list[Worker]:
        """Start workers of a role."""
        return self.supervisor.start(role, count)

    def start_faulty(self, role: str, **faults: str | int) -> Worker:
        """Start one worker that fails as `faulty_worker` says. Where the supervisor restarts it, it is a sound one."""
        number = 1 + sum(worker.role == role for worker in self.supervisor.workers)
        worker = Worker(role, number, self.supervisor.log_dir / f"{role}-{number}.log")
        self.supervisor.log_dir.mkdir(parents=True, exist_ok=True)
        with worker.log_file.open("ab") as log:
            worker.process = subprocess.Popen(
                [sys.executable, str(FAULTY_WORKER), role, *(f"{name}={value}" for name, value in faults.items())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        self.supervisor.workers.append(worker)
        return worker

    def kill(self, worker: Worker, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a worker's process group."""
        assert worker.process is not None
        os.killpg(worker.process.pid, number)
        self.kills += 1

    def end(self, worker: Worker, number: signal.Signals = signal.SIGTERM, seconds: float = 20) -> int:
        """Send a signal to a worker, wait for its end, and do not start it again. Return its exit code."""
        self.kill(worker, number)
        return self.code_of(worker, seconds)

    def code_of(self, worker: Worker, seconds: float) -> int:
        """Wait for the end of a worker, which is not started again. Return its exit code."""
        self.let_go(worker)
        assert worker.process is not None
        return worker.process.wait(seconds)

    def let_go(self, worker: Worker) -> None:
        """Do not start a worker again when it ends."""
        if worker in self.supervisor.workers:
            self.supervisor.workers.remove(worker)
            self.released.append(worker)

    def ragpulse(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line in this pipeline's environment."""
        return ragpulse(self.environment, *arguments)

    def ask(self, worker: Worker, path: str) -> tuple[int, str]:
        """Return status and text of a worker's `/readyz`, `/healthz` or `/metrics`; status 0 while it serves none."""
        assert worker.process is not None
        card = self.directory / "state" / "workers" / f"{worker.role}-{worker.process.pid}.json"
        try:
            port = json.loads(card.read_text())["port"]
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
                return int(answer.status), answer.read().decode()
        except URLError as error:
            return int(getattr(error, "code", 0)), str(error)
        except (OSError, ValueError):
            return 0, ""

    def metric(self, worker: Worker, name: str, **labels: str | int) -> float:
        """Return the sum of a metric of a worker over all labels that are not given, 0 where it has none."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = [
            line for line in self.ask(worker, "/metrics")[1].splitlines() if line.startswith((f"{name} ", f"{name}{{"))
        ]
        return sum(float(line.rpartition(" ")[2]) for line in lines if all(label in line for label in wanted))

    def said(self, worker: Worker, event: str) -> list[dict[str, Any]]:
        """Return what a worker logged under one name."""
        lines = worker.log_file.read_text().splitlines()
        spoken = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [one for one in spoken if one.get("event") == event]

    def wait_ready(self, workers: Iterable[Worker], seconds: float = 40) -> None:
        """Wait until each worker's /readyz says yes."""
        waiting = list(workers)
        self.until(
            lambda: all(w.process is not None and self.ask(w, "/readyz")[0] == 200 for w in waiting),
            seconds,
            "workers become ready",
        )

    def until(self, condition: Callable[[], bool], seconds: float, what: str | Callable[[], str]) -> None:
        """Wait for a condition while the supervisor watches; fail with ``what`` was waited for and the workers' last words."""
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            self.supervisor.watch()
            if condition():
                return
            sleep(0.1)
        logs = {worker.name: worker.log_file.read_text()[-1500:] for worker in self.supervisor.workers}
        what = what if isinstance(what, str) else what()
        message = f"not within {seconds} s: {what}\n" + "\n".join(f"--- {name}\n{log}" for name, log in logs.items())
        raise AssertionError(message)

    def follow(self, topic: str) -> TopicLog:
        """Return a reader of a topic from its beginning, to be closed."""
        return TopicLog(self.bootstrap, f"{self.prefix}{topic}")

    def read(self, topic: str) -> list[dict[str, Any]]:
        """Return all records of a topic, from beginning to present end: see `topic_log.records_of`."""
        return records_of(self.bootstrap, f"{self.prefix}{topic}")

    def produce(self, topic: str, records: Iterable[tuple[str | None, bytes]], **options: Any) -> int:
        """Write raw records (key, value) to a topic; return how many."""
        return produce(self.bootstrap, f"{self.prefix}{topic}", records, **options)


def ragpulse(environment: dict[str, str], *arguments: str, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
    """Run the command line."""
    return subprocess.run(
        [sys.executable, "-m", "ragpulse.console.cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@contextmanager
def pipeline(bootstrap: str, directory: Path, policy: str = POLICY, **settings: str) -> Iterator[Pipeline]:
    """Create topics and yield a pipeline without workers; stop all workers at the end."""
    prefix = f"t{uuid4().hex[:8]}."
    (directory / "policy.yaml").write_text(policy)
    environment = {
        "RAGPULSE_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
        "RAGPULSE_KAFKA__SESSION_TIMEOUT_SECONDS": "4",
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
        found.supervisor.workers += found.released
        for worker in found.supervisor.workers:
            if worker.process is not None and worker.process.poll() is None:
                os.killpg(worker.process.pid, signal.SIGCONT)
        found.supervisor.stop(15)


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
