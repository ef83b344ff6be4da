"""The contract of `QueryEvent` as a pydantic model: for people, for JSON Schema and for programs that want its errors.

Ingest decodes with `ragpulse.schemas.query_event` and the rules beside it, which is ten times as fast; a test holds both to
the same verdict. They differ in one case: where an object names a field twice, this model sees the last one only.
"""

import json
import math
from typing import Annotated, Final, NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from ragpulse.schemas.processing import MAX_RETENTION_DAYS
from ragpulse.schemas.query_event import (
    LABEL_PATTERN,
    MAX_COST_USD,
    MAX_DOCUMENTS,
    MAX_LATENCY_MS,
    MAX_TIME_MS,
    MAX_TOKENS,
    SCHEMA_VERSION,
    Operation,
    Status,
)
from ragpulse.schemas.query_event_rules import LATENCY_REQUIRED_FOR, broken_rule

_LATENCY_REQUIRED: Final[JsonDict] = {
    "if": {"properties": {"status": {"enum": [*sorted(LATENCY_REQUIRED_FOR)]}}},
    "then": {"properties": {"latency_ms": {"type": "number"}}, "required": ["latency_ms"]},
}
_LONGEST_INTEGER: Final = 4_000  # digits; Python refuses to convert more than 4,300

EventId = Annotated[str, Field(min_length=1, max_length=128)]
# The pattern is judged by `broken_rule`: pydantic's regular expressions have no lookahead, JSON Schema's have.
Label = Annotated[
    str,
    Field(min_length=1, max_length=128, json_schema_extra={"pattern": f"^{LABEL_PATTERN}$"}, examples=["support-bot"]),
]
Text = Annotated[str, Field(max_length=256)]
Ratio = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[float, Field(ge=0, le=MAX_LATENCY_MS)]
Tokens = Annotated[int, Field(ge=0, le=MAX_TOKENS)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


class DocumentModel(_Part):
    """One retrieved document."""

    id: Annotated[str, Field(min_length=1, max_length=512)]
    score: Annotated[float, Field(description="Retrieval score, on the retriever's own scale.")] | None = None
    classification: Annotated[Text, Field(description="Such as public, internal, confidential.")] | None = None
    categories: (
        Annotated[list[Text], Field(max_length=64, description="Kinds of data it holds, such as health.")] | None
    ) = None


class QualityModel(_Part):
    """Quality by dimension, each in [0, 1]; what was not judged is absent."""

    relevance: Ratio | None = None
    faithfulness: Ratio | None = None
    accuracy: Annotated[Ratio, Field(description="Another name of faithfulness.")] | None = None
    completeness: Ratio | None = None
    coherence: Ratio | None = None
    citation: Ratio | None = None
    safety: Ratio | None = None
    compliance: Ratio | None = None


class ProcessingModel(_Part):
    """What an application says about how personal data was handled. What is absent was not said: neither yes nor no."""

    purpose: Text | None = None
    legal_basis: Text | None = None
    consent_id: Text | None = None
    data_categories: Annotated[list[Text], Field(max_length=64)] | None = None
    region: Text | None = None
    retention_days: Annotated[int, Field(ge=0, le=MAX_RETENTION_DAYS)] | None = None
    encrypted_in_transit: bool | None = None
    encrypted_at_rest: bool | None = None
    authenticated: bool | None = None
    authorized: bool | None = None
    mfa: bool | None = None
    redacted: bool | None = None


class QueryEventModel(_Part):
    """One finished request to a RAG service. Unknown fields are ignored; null and absent both mean "not measured"."""

    model_config = ConfigDict(
        title="QueryEvent",
        json_schema_extra=_LATENCY_REQUIRED,
    )

    event_id: Annotated[EventId, Field(description="Unique; an event sent twice under one id counts once.")]
    occurred_at_ms: Annotated[
        int, Field(ge=0, le=MAX_TIME_MS, description="When the request ended: milliseconds since 1970-01-01 UTC.")
    ]
    service: Annotated[Label, Field(description="The RAG service that answered.")]
    operation: Operation
    status: Annotated[
        Status,
        Field(description="rejected: the service refused to serve (overload, quota). A guardrail's refusal is ok."),
    ]
    latency_ms: Annotated[Milliseconds, Field(description="Duration; required for status ok and timeout.")] | None = (
        None
    )
    schema_version: (
        Annotated[int, Field(json_schema_extra={"const": SCHEMA_VERSION}, description="Absent means 1.")] | None
    ) = None
    query_id: Text | None = None
    trace_id: Text | None = None
    tenant: Annotated[Label, Field(description="Absent means default.")] | None = None
    environment: Text | None = None
    variant: Annotated[Label, Field(description="Of an A/B experiment.")] | None = None
    region: Text | None = None
    model: Text | None = None
    retrieval_ms: Annotated[Milliseconds, Field(description="Part of latency_ms spent retrieving.")] | None = None
    generation_ms: Annotated[Milliseconds, Field(description="Part of latency_ms spent generating.")] | None = None
    quality_score: Annotated[Ratio, Field(description="Overall quality.")] | None = None
    quality: QualityModel | None = None
    user_rating: Annotated[float, Field(ge=1, le=5, description="As the user gave it, 1 (bad) to 5 (good).")] | None = (
        None
    )
    cost_usd: Annotated[float, Field(ge=0, le=MAX_COST_USD, description="US dollars.")] | None = None
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    user_id: Annotated[Text, Field(description="Counted as distinct users; a pseudonym will do.")] | None = None
    user_role: Text | None = None
    documents: Annotated[list[DocumentModel], Field(max_length=MAX_DOCUMENTS)] | None = None
    processing: ProcessingModel | None = None

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Self:
        if rule := broken_rule(self):
            raise ValueError(rule.message)
        return self

    @classmethod
    def from_json(cls, value: bytes) -> Self:
        """Read one event from JSON.

        Raises:
            ValueError: no JSON in UTF-8, or (as pydantic.ValidationError) not of this contract.

        """
        event = json.loads(value.decode(), parse_constant=_refuse_constant, parse_int=_integer)
        if b"\\u" in value:  # half of a surrogate pair may be escaped but is no text: it has no UTF-8
            json.dumps(event, ensure_ascii=False).encode()
        return cls.model_validate(event)


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is no JSON"
    raise ValueError(message)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else math.inf
