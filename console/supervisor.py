"""One parent for the roles of a machine: `ragpulse demo` and `ragpulse dev`.

Each worker is a process in a group of its own. It is restarted with backoff after a bug (70), a self-fence (75) or a
signal; never after what only a person can mend (64, 65, 77, 78). Five restarts within a minute stop everything.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import IO

from ragpulse.schemas.errors import RagpulseError

FINAL_CODES = frozenset({0, 64, 65, 77, 78})
MAX_RESTARTS = 5
RESTART_WINDOW_SECONDS = 60.0
DRAIN_SECONDS = 20.0


class WorkerFailedError(RagpulseError):
    """A worker ended in a way that starting it again does not mend."""


@dataclass
class Worker:
    """One supervised process."""

    role: str
    number: int
    log_file: Path
    process: subprocess.Popen[bytes] | None = None
    starts: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_RESTARTS + 1))
    not_before: float = 0.0

    @property
    def name(self) -> str:
        """Return the name for logs and people."""
        return f"{self.role}-{self.number}"


class Supervisor:
    """Starts, watches and stops workers. Call :meth:`watch` at least once a second."""

    def __init__(self, log_dir: Path, environment: Mapping[str, str]) -> None:
        self.log_dir = log_dir
        self._environment = {**os.environ, **environment}
        self.workers: list[Worker] = []

    def start(self, role: str, count: int = 1) -> list[Worker]:
        """Start workers of a role."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        taken = sum(worker.role == role for worker in self.workers)
        fresh = [
            Worker(role, number, self.log_dir / f"{role}-{number}.log")
            for number in range(taken + 1, taken + count + 1)
        ]
        for worker in fresh:
            self._spawn(worker)
        self.workers += fresh
        return fresh

    def watch(self) -> None:
        """Restart what ended.

        Raises:
            WorkerFailedError: a worker ended for good, or restarts too often. Everything else goes on until :meth:`stop`.

        """
        for worker in self.workers:
            code = worker.process.poll() if worker.process else None
            if worker.process is not None and code is None:
                continue
            if worker.process is not None:
                worker.process = None
                self._judge_end(worker, code or 0)
            if monotonic() >= worker.not_before:
                self._spawn(worker)

    def stop(self, seconds: float = DRAIN_SECONDS) -> list[str]:
        """Ask all workers to drain (SIGTERM), kill what is left after the time. Return the names of those killed."""
        running = [worker for worker in self.workers if worker.process is not None and worker.process.poll() is None]
        _signal(running, signal.SIGTERM)
        deadline = monotonic() + seconds
        while monotonic() < deadline and any(_runs(worker) for worker in running):
            sleep(0.05)
        late = [worker for worker in running if _runs(worker)]
        _signal(late, signal.SIGKILL)
        for worker in running:
            if worker.process is not None:
                worker.process.wait()
        return [worker.name for worker in late]

    def _judge_end(self, worker: Worker, code: int) -> None:
        if code in FINAL_CODES:
            text = f"{worker.name} ended with exit code {code}: {_last_words(worker.log_file)}"
            raise WorkerFailedError(text)
        recent = [start for start in worker.starts if start > monotonic() - RESTART_WINDOW_SECONDS]
        if len(recent) >= MAX_RESTARTS:
            text = f"{worker.name} was started {len(recent)} times within a minute and ended with {code} each time; see {worker.log_file}."
            raise WorkerFailedError(text)
        worker.not_before = monotonic() + 0.25 * 2 ** len(recent)

    def _spawn(self, worker: Worker) -> None:
        worker.starts.append(monotonic())
        with _open_log(worker.log_file) as log:
            worker.process = subprocess.Popen(  # noqa: S603  # our own interpreter and our own module
                [sys.executable, "-m", "ragpulse.console.cli", "worker", worker.role],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )


def _open_log(path: Path) -> IO[bytes]:
    return path.open("ab")


def _runs(worker: Worker) -> bool:
    return worker.process is not None and worker.process.poll() is None


def _signal(workers: Iterable[Worker], number: signal.Signals) -> None:
    for worker in workers:
        if worker.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker.process.pid, number)


def _last_words(log_file: Path) -> str:
    lines = log_file.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
