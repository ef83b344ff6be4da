"""A query event from keyword arguments, with an id and the present time where none is given."""

import time
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack
from uuid import uuid4

import msgspec

from ragpulse.schemas.query_event import NO_PROCESSING, Document, Operation, Quality, QueryEvent, Status


class OptionalFields(TypedDict, total=False):
    """The optional fields of `QueryEvent`; see there for units and bounds. What was not measured is left out."""

    query_id: str
    trace_id: str
    tenant: str
    environment: str
    variant: str
    region: str
    model: str
    retrieval_ms: float
    generation_ms: float
    quality_score: float
    quality: Quality
    user_rating: float
    cost_usd: float
    input_tokens: int
    output_tokens: int
    user_id: str
    user_role: str
    documents: list[Document]


def query_event(  # noqa: PLR0913 - the required fields of the contract, by name
    *,
    service: str,
    operation: Operation = "query_processing",
    status: Status = "ok",
    latency_ms: float | None = None,
    event_id: str | None = None,
    occurred_at_ms: int | None = None,
    processing: Mapping[str, Any] | None = None,
    **optional: Unpack[OptionalFields],
) -> QueryEvent:
    """Return a query event. `Client.send` checks it; the contract wants ``latency_ms`` for status ok and timeout.

    ``event_id``: a random one if absent; give the same id when you send the same event again, so that it counts once.
    ``occurred_at_ms``: when the request ended; the present if absent.
    """
    return QueryEvent(
        event_id=uuid4().hex if event_id is None else event_id,
        occurred_at_ms=time.time_ns() // 1_000_000 if occurred_at_ms is None else occurred_at_ms,
        service=service,
        operation=operation,
        status=status,
        latency_ms=latency_ms,
        processing=NO_PROCESSING if processing is None else msgspec.Raw(msgspec.json.encode(processing)),
        **optional,
    )
