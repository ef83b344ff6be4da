"""What a trace does not hold, made up by a stated model: the same seed gives the same events.

- The service of a request: drawn, with shares that fall by rank to the power of 0.7.
- ``retrieval_ms``: log-normal, median 80 ms. ``generation_ms``: 120 ms + 0.25 ms an input token + the service's pace (22 to 30 ms) an
  output token, times log-normal noise of median 1. ``latency_ms`` is their sum. The constants are of the order that large
  models on one server show; they are no measurement. Beyond 60 s a request is a ``timeout``.
- ``status``: 0.2 % error, 0.1 % rejected, else ok. ``quality_score``: for 60 % of the ok ones, Beta(8, 2), mean 0.8; two dimensions beside
  it. ``user_rating``: for 5 %. ``cost_usd``: a price per token and service.
- Users: 400 a service, few of them frequent. Documents: 3 to 8, one request in a hundred finds none. Processing evidence: one a service.

Every event takes the same draws whatever happens to it, so that a fault changes the requests it strikes and no other.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import msgspec

from ragpulse.console.replay.faults import Fault
from ragpulse.console.replay.trace import Request
from ragpulse.schemas.query_event import Document, Quality, QueryEvent, Status

TIMEOUT_MS: Final = 60_000.0
_USERS: Final = 400
_DOCUMENTS: Final = 5_000
_CLASSIFICATIONS: Final = ("public", "internal", "internal", "confidential")


@dataclass(frozen=True, slots=True)
class Service:
    """One made-up RAG service."""

    name: str
    tenant: str
    model: str
    ms_per_output_token: float
    usd_per_input_token: float
    usd_per_output_token: float
    processing: msgspec.Raw


def _evidence(purpose: str, legal_basis: str, *categories: str) -> msgspec.Raw:
    facts = {
        "purpose": purpose,
        "legal_basis": legal_basis,
        "data_categories": list(categories),
        "region": "eu-west-1",
        "retention_days": 30,
        "encrypted_in_transit": True,
        "encrypted_at_rest": True,
        "authenticated": True,
        "authorized": True,
    }
    return msgspec.Raw(msgspec.json.encode(facts))


_KINDS: Final = (
    Service(
        "support-bot", "acme", "large-1", 25.0, 2.5e-6, 1.0e-5, _evidence("customer_support", "contract", "contact")
    ),
    Service(
        "contract-search", "acme", "large-1", 30.0, 2.5e-6, 1.0e-5, _evidence("legal_research", "legitimate_interest")
    ),
    Service("claims-assistant", "globex", "small-1", 22.0, 1.5e-7, 6.0e-7, _evidence("claims", "contract", "health")),
)


def services(count: int) -> list[Service]:
    """Return that many services: three kinds, numbered from the fourth on."""
    return [_numbered(_KINDS[rank % len(_KINDS)], rank // len(_KINDS)) for rank in range(count)]


def service_names(count: int) -> list[str]:
    """Return the names of that many services."""
    return [service.name for service in services(count)]


def _numbered(kind: Service, round_: int) -> Service:
    return replace(kind, name=f"{kind.name}-{round_ + 1}") if round_ else kind


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a request would have met without faults."""

    status: Status
    retrieval_ms: float
    generation_ms: float
    quality: float | None
    relevance: float
    faithfulness: float
    rating: float | None
    user: int
    documents: list[Document]
    luck: float  # in [0, 1): below an outage's share, the request fails


class Model:
    """Turns requests into events. ``run_id`` makes the event ids of one replay differ from those of another."""

    def __init__(self, service_count: int, seed: int, run_id: str) -> None:
        self._random = Random(seed)  # noqa: S311 - a simulation
        self._services = services(service_count)
        self._weights = [(rank + 1) ** -0.7 for rank in range(service_count)]
        self._run_id = run_id
        self._index = 0

    def event(self, request: Request, active: Iterable[Fault]) -> QueryEvent:
        """Return the next event. ``active``: the faults of this moment. Its time is set by whoever sends it."""
        service = self._random.choices(self._services, self._weights)[0]
        answer = self._answer(request, service)
        event = _event(f"{self._run_id}-{self._index}", service, request, answer)
        self._index += 1
        for fault in active:
            if fault.strikes(service.name):
                _strike(event, fault, answer.luck)
        _time_out(event)
        return event

    def _answer(self, request: Request, service: Service) -> _Answer:
        random = self._random
        pace_ms = 120.0 + 0.25 * request.input_tokens + service.ms_per_output_token * request.output_tokens
        status, scored, rated = random.random(), random.random(), random.random()
        quality = random.betavariate(8, 2)
        return _Answer(
            status="error" if status < 0.002 else "rejected" if status < 0.003 else "ok",
            retrieval_ms=random.lognormvariate(4.382, 0.35),  # median e**4.382 = 80
            generation_ms=pace_ms * random.lognormvariate(0.0, 0.15),
            quality=quality if scored < 0.6 else None,
            relevance=min(1.0, quality * random.uniform(0.9, 1.1)),
            faithfulness=min(1.0, quality * random.uniform(0.9, 1.1)),
            rating=float(round(1 + 4 * quality)) if rated < 0.05 else None,
            user=int(_USERS * random.random() ** 2),
            documents=self._documents(),
            luck=random.random(),
        )

    def _documents(self) -> list[Document]:
        random = self._random
        count = 0 if random.random() < 0.01 else random.randint(3, 8)
        scores = sorted((round(random.uniform(0.4, 0.95), 3) for _ in range(count)), reverse=True)
        return [_document(random.randrange(_DOCUMENTS), score) for score in scores]


def _document(number: int, score: float) -> Document:
    return Document(f"doc-{number}", score, _CLASSIFICATIONS[number % len(_CLASSIFICATIONS)])


def _event(event_id: str, service: Service, request: Request, answer: _Answer) -> QueryEvent:
    event = QueryEvent(
        event_id=event_id,
        occurred_at_ms=0,
        service=service.name,
        operation="query_processing",
        status=answer.status,
        tenant=service.tenant,
        environment="production",
        model=service.model,
        user_id=f"user-{answer.user}",
        processing=service.processing,
    )
    if answer.status == "ok":
        _fill(event, service, request, answer)
    return event


def _fill(event: QueryEvent, service: Service, request: Request, answer: _Answer) -> None:
    event.retrieval_ms = round(answer.retrieval_ms, 1)
    event.generation_ms = round(answer.generation_ms, 1)
    event.latency_ms = round(answer.retrieval_ms + answer.generation_ms, 1)
    event.input_tokens = request.input_tokens
    event.output_tokens = request.output_tokens
    cost = service.usd_per_input_token * request.input_tokens + service.usd_per_output_token * request.output_tokens
    event.cost_usd = round(cost, 9)
    event.documents = answer.documents
    event.user_rating = answer.rating
    if answer.quality is not None:
        event.quality_score = round(answer.quality, 4)
        event.quality = Quality(relevance=round(answer.relevance, 4), faithfulness=round(answer.faithfulness, 4))


def _strike(event: QueryEvent, fault: Fault, luck: float) -> None:
    if event.status != "ok":
        return
    if fault.kind == "outage" and luck < fault.effect:
        _fail(event)
    elif fault.kind == "latency" and event.latency_ms is not None and event.generation_ms is not None:
        event.generation_ms = round(event.generation_ms * fault.effect, 1)
        event.latency_ms = round(event.latency_ms * fault.effect, 1)
    elif fault.kind == "quality" and event.quality_score is not None:
        event.quality_score = round(min(1.0, event.quality_score * fault.effect), 4)


def _time_out(event: QueryEvent) -> None:
    if event.latency_ms is not None and event.latency_ms > TIMEOUT_MS:
        _fail(event)
        event.status, event.latency_ms = "timeout", TIMEOUT_MS


def _fail(event: QueryEvent) -> None:
    """Leave nothing of an answer: what was not measured is missing, not zero."""
    event.status = "error"
    event.latency_ms = event.retrieval_ms = event.generation_ms = None
    event.output_tokens = event.cost_usd = event.user_rating = None
    event.quality_score = event.quality = event.documents = None
