"""Runs of a merger over a log of flushes, and the parts of their outputs that must not depend on how the log came about."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from fake_ingest import Placed, Record, Worker, place, start
from ragpulse.schemas.policy import Policy
from ragpulse.schemas.sla import SlaCompliance, Violation
from ragpulse.schemas.window import Window
from ragpulse.schemas.window_partial import FLUSH_VERSION, Flush
from ragpulse.streams.windows.merger import Merger
from ragpulse.streams.windows.outbox import Output
from ragpulse.streams.windows.state import MergerSettings

LOG_START_MS = 1_900_000_000_000  # unlike any event time: nothing may mix the two


def policy(*services: dict[str, Any]) -> Policy:
    return Policy.model_validate({"version": 1, "sla": {"services": list(services)}})


@dataclass
class PartialsLog:
    """One partition of `rag.window-partials`, written by workers."""

    flushes: list[tuple[int, bytes]] = field(default_factory=list)
    now_ms: int = LOG_START_MS

    def write(self, flush: Flush, after_ms: int = 500) -> None:
        self.now_ms += after_ms
        self.flushes.append((self.now_ms, msgspec.json.encode(flush)))

    def write_split(self, flush: Flush) -> None:
        """Write the cells first and the progress in a record of its own, as a long flush is."""
        self.write(Flush(FLUSH_VERSION, flush.segments, [], flush.at_ms))
        self.write(Flush(FLUSH_VERSION, [], flush.progress, flush.at_ms))

    def repeat(self, index: int) -> None:
        """A zombie writes an old flush again."""
        self.now_ms += 500
        self.flushes.append((self.now_ms, self.flushes[index % len(self.flushes)][1]))


def run(
    log: PartialsLog, promised: Policy, restarts: Iterable[int] = (), settings: MergerSettings | None = None
) -> list[Output]:
    """Merge a log; before the given offsets the merger dies and another restores its snapshot."""
    stops = set(restarts)
    merger = Merger(promised, settings)
    outputs: list[Output] = []
    for offset, (timestamp_ms, content) in enumerate(log.flushes):
        if offset in stops:
            merger = Merger.restore(merger.snapshot(), promised, settings)
        outputs += merger.step(offset, timestamp_ms, msgspec.json.decode(content, type=Flush)).outputs
    return outputs


def settled(logs: list[list[Record]]) -> PartialsLog:
    """The shortest log of flushes: one worker reads everything, flushes, commits and flushes again."""
    log, worker = PartialsLog(), start(logs)
    read_to_end(worker)
    finish(worker, log)
    return log


def read_to_end(worker: Worker) -> None:
    for reader in worker.readers.values():
        reader.read(len(reader.placed))


def finish(worker: Worker, log: PartialsLog) -> None:
    """Flush, commit, and say so twice: what comes late is published with the step after it is folded."""
    log.write(worker.flush())
    worker.commit()
    for _ in range(3):
        log.write(worker.flush())


def records_of(logs: list[list[Record]]) -> list[list[Placed]]:
    return [place(records) for records in logs]


def twin(worker: Worker) -> Worker:
    """A worker that goes on in the belief that it still owns its partitions."""
    return copy.deepcopy(worker)


WindowKey = tuple[str | None, str | None, str, str | None, int, int]


def windows(outputs: list[Output]) -> list[Window]:
    return [output.event for output in outputs if isinstance(output.event, Window)]


def verdicts(outputs: list[Output]) -> list[SlaCompliance]:
    return [output.event for output in outputs if isinstance(output.event, SlaCompliance)]


def violations(outputs: list[Output]) -> list[Violation]:
    return [output.event for output in outputs if isinstance(output.event, Violation)]


def window_key(window: Window) -> WindowKey:
    return (
        window.tenant,
        window.service,
        window.operation,
        window.variant,
        window.window_size_ms,
        window.window_start_ms,
    )


def first_windows(outputs: list[Output]) -> dict[WindowKey, dict[str, Any]]:
    """Final windows: the first publication of each, without what names the flush. Where all is late there is none."""
    found: dict[WindowKey, dict[str, Any]] = {}
    for window in windows(outputs):
        if window.late_count < window.count or not window.late_count:
            found.setdefault(window_key(window), _without_flush(window.model_dump()))
    return found


def last_windows(outputs: list[Output]) -> dict[WindowKey, dict[str, Any]]:
    """The highest revision of each window, without what names the flush."""
    return {window_key(window): _without_flush(window.model_dump()) for window in windows(outputs)}


def final_verdicts(outputs: list[Output]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The first final verdict on each window."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for verdict in verdicts(outputs):
        if verdict.final:
            key = (
                verdict.tenant,
                verdict.service,
                verdict.window.size_ms,
                verdict.window.start_ms,
                verdict.status == "forgotten",
            )
            found.setdefault(key, _without_flush(verdict.model_dump(mode="json")))
    return found


def last_verdicts(outputs: list[Output]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The highest revision of each final verdict."""
    return {
        (one.tenant, one.service, one.window.size_ms, one.window.start_ms): _without_flush(one.model_dump(mode="json"))
        for one in verdicts(outputs)
        if one.final
    }


def confirmed_steps(outputs: list[Output]) -> list[dict[str, Any]]:
    """The steps of confirmed violations. Opened by a final verdict or confirmed by it is the same for them."""
    steps = []
    for violation in violations(outputs):
        if violation.confirmed:
            step = _without_flush(violation.model_dump(mode="json"))
            step["phase"] = "confirmed" if step["phase"] == "opened" else step["phase"]
            steps.append(step)
    return sorted(steps, key=lambda step: (step["at_ms"], step["violation_id"], step["phase"]))


def _without_flush(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in ("id", "revision")}
