"""Which event is due when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from ragpulse.console.replay.faults import Fault
from ragpulse.console.replay.model import Model, service_names
from ragpulse.console.replay.trace import Request
from ragpulse.schemas.errors import UsageError
from ragpulse.schemas.query_event import QueryEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a trace is replayed.

    Raises:
        UsageError: values that make no sense; the text names the right ones.

    """

    speed: float = 1.0  # gaps between arrivals are divided by it
    services: int = 3
    faults: tuple[Fault, ...] = ()
    seed: int = 1
    duration_seconds: float | None = None  # of the replay; the trace is cut or repeated. None: the trace once
    run_id: str = field(default_factory=lambda: uuid4().hex[:12])  # begins the event ids

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise UsageError(problem)

    def _problem(self) -> str | None:
        if not 0 < self.speed <= 10_000:
            return f"The speed {self.speed:g} is not above 0 and at most 10000."
        if not 1 <= self.services <= 1000:
            return f"{self.services} services is not between 1 and 1000."
        if self.duration_seconds is not None and self.duration_seconds <= 0:
            return "The duration is not above 0 seconds."
        names = ["*", *service_names(self.services)]
        wrong = [fault.service for fault in self.faults if fault.service not in names]
        return f"There is no service {wrong[0]!r} for a fault: choose of {', '.join(names[:10])}." if wrong else None


def duration_seconds(requests: Sequence[Request], plan: Plan) -> float:
    """Return how long the replay lasts."""
    return requests[-1].offset_seconds / plan.speed if plan.duration_seconds is None else plan.duration_seconds


def schedule(requests: Sequence[Request], plan: Plan) -> Iterator[tuple[float, QueryEvent]]:
    """Yield (seconds after the start, event) in order. Whoever sends an event sets its ``occurred_at_ms``.

    The same requests, plan and run_id give the same events.
    """
    model = Model(plan.services, plan.seed, plan.run_id)
    duration = duration_seconds(requests, plan)
    for offset_seconds, request in _arrivals(requests, repeated=plan.duration_seconds is not None):
        due_seconds = offset_seconds / plan.speed
        if plan.duration_seconds is not None and due_seconds >= duration:
            return
        active = [fault for fault in plan.faults if fault.span.holds(due_seconds, max(duration, 1e-9))]
        yield due_seconds, model.event(request, active)


def _arrivals(requests: Sequence[Request], *, repeated: bool) -> Iterator[tuple[float, Request]]:
    start_seconds = 0.0
    while True:
        for request in requests:
            yield start_seconds + request.offset_seconds, request
        if not repeated:
            return
        # A second's gap joins the rounds; a trace of a single moment must move on, too.
        start_seconds += requests[-1].offset_seconds + 1.0
