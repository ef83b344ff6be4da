"""`QueryEvent`: what producers write to `rag.query-events`. The form that the hot path decodes.

Bounds that are part of the contract stand in the types. Times are integer epoch milliseconds UTC, money is US dollars,
ratios lie in [0, 1]. Unknown fields are ignored; an absent or null measurement is *missing*, never zero.
`ragpulse.schemas.query_event_model` holds the same contract as a pydantic model, for people and for JSON Schema.
"""

from typing import Annotated, Literal, get_args

from msgspec import Meta, Raw, Struct

Operation = Literal["query_processing", "document_retrieval", "response_generation", "user_access"]
Status = Literal["ok", "error", "timeout", "rejected"]
OPERATIONS: tuple[str, ...] = get_args(Operation)
STATUSES: tuple[str, ...] = get_args(Status)
QUALITY_DIMENSIONS = ("relevance", "faithfulness", "completeness", "coherence", "citation", "safety", "compliance")

SCHEMA_VERSION = 1
#: Service, tenant and variant become keys and metric labels: letters, digits and ``._:/-``, not beginning with ``__``.
LABEL_PATTERN = r"(?!__)[A-Za-z0-9._:/-]{1,128}"
DEFAULT_TENANT = "default"
#: Where cells and labels beyond a cap are counted. Producers cannot use it: see LABEL_PATTERN.
OTHER = "__other__"

MAX_LATENCY_MS = 86_400_000.0  # 24 h
MAX_COST_USD = 1_000_000.0
MAX_TOKENS = 1_000_000_000
MAX_TIME_MS = 253_402_300_799_999  # the last millisecond of the year 9999
MAX_DOCUMENTS = 200

Key = Annotated[str, Meta(min_length=1, max_length=128)]
Text = Annotated[str, Meta(max_length=256)]
Ratio = Annotated[float, Meta(ge=0.0, le=1.0)]
Milliseconds = Annotated[float, Meta(ge=0.0, le=MAX_LATENCY_MS)]
Tokens = Annotated[int, Meta(ge=0, le=MAX_TOKENS)]

#: Left out when an event is encoded, which compares with this very object.
NO_PROCESSING = Raw(b"null")


class Document(Struct, gc=False, omit_defaults=True):
    """One retrieved document: its id, retrieval score and classification."""

    id: Annotated[str, Meta(min_length=1, max_length=512)]
    score: float | None = None
    classification: Text | None = None
    categories: Annotated[list[Text], Meta(max_length=64)] | None = None


class Quality(Struct, gc=False, omit_defaults=True):
    """Quality by dimension, each in [0, 1]. ``accuracy`` is an alias of ``faithfulness``."""

    relevance: Ratio | None = None
    faithfulness: Ratio | None = None
    accuracy: Ratio | None = None
    completeness: Ratio | None = None
    coherence: Ratio | None = None
    citation: Ratio | None = None
    safety: Ratio | None = None
    compliance: Ratio | None = None


class QueryEvent(Struct, gc=False, omit_defaults=True):
    """One finished request to a RAG service. ``occurred_at_ms`` is when it *ended*."""

    event_id: Key
    occurred_at_ms: Annotated[int, Meta(ge=0, le=MAX_TIME_MS)]
    service: Key
    operation: Operation
    status: Status
    latency_ms: Milliseconds | None = None
    schema_version: int | None = None
    query_id: Text | None = None
    trace_id: Text | None = None
    tenant: Key | None = None
    environment: Text | None = None
    variant: Key | None = None
    region: Text | None = None
    model: Text | None = None
    retrieval_ms: Milliseconds | None = None
    generation_ms: Milliseconds | None = None
    quality_score: Ratio | None = None
    quality: Quality | None = None
    user_rating: Annotated[float, Meta(ge=1.0, le=5.0)] | None = None
    cost_usd: Annotated[float, Meta(ge=0.0, le=MAX_COST_USD)] | None = None
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    user_id: Text | None = None
    user_role: Text | None = None
    documents: Annotated[list[Document], Meta(max_length=MAX_DOCUMENTS)] | None = None
    #: Evidence for the regulations, kept as raw bytes: most events share it, so it is judged once per distinct value.
    processing: Raw = NO_PROCESSING
