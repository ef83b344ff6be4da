"""Both forms of the contract give the same verdict: what ingest decodes with, and the model for people."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import fields
from pydantic import BaseModel

from ragpulse.schemas.processing import Processing
from ragpulse.schemas.query_event import Document, Quality, QueryEvent
from ragpulse.schemas.query_event_model import DocumentModel, ProcessingModel, QualityModel, QueryEventModel
from ragpulse.schemas.segment import FoldParameters
from ragpulse.streams.segments.decode import decode
from ragpulse.streams.segments.rejection import Rejection
from ragpulse.streams.segments.validate import fault_of

VALID: dict[str, Any] = {
    "event_id": "e-1",
    "occurred_at_ms": 1_700_000_000_000,
    "service": "support-bot",
    "operation": "query_processing",
    "status": "ok",
    "latency_ms": 412.5,
}
FULL: dict[str, Any] = {
    **VALID,
    "schema_version": 1,
    "tenant": "acme",
    "variant": "b",
    "retrieval_ms": 80,
    "generation_ms": 310.0,
    "quality_score": 0.9,
    "quality": {"relevance": 1, "accuracy": 0.5},
    "user_rating": 5,
    "cost_usd": 0.0012,
    "input_tokens": 512,
    "output_tokens": 0,
    "user_id": "u-1",
    "documents": [{"id": "d-1", "score": -3.5, "classification": "internal", "categories": ["health"]}],
    "processing": {"purpose": "support", "retention_days": 30, "mfa": False, "data_categories": []},
}

AWKWARD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, False, 0, 1, -1, 1.0, 0.0, -0.0, 0.5, 5, 5.1, 1e6, 1e300, 2**31, 2**53, 2**63, 2**64, -(2**63) - 1,
        10**30, 10**308, 10**309, 10**400, 86_400_000, 86_400_000.5, 253_402_300_799_999, 253_402_300_800_000,
        "", "x", "1", "é", "a b", "__x", "x" * 128, "x" * 129, "é" * 256, "é" * 257, "x" * 512, "x" * 513, "\ud800", "\x00",
        "ok", "timeout", "error", "user_access", "support-bot\n",
        [], {}, [[]], ["x"], [None], [{"id": "a"}], [{"id": ""}], [{"id": "a", "score": 1e300}], [{}], [{"id": "a"}] * 200,
        [{"id": "a"}] * 201, ["x"] * 64, ["x"] * 65, {"relevance": 1.5}, {"relevance": True}, {"unknown": "x"},
    ]
)  # fmt: skip
NAMES = st.sampled_from([*QueryEventModel.model_fields, "unknown"])
PARTS = st.sampled_from(
    [
        *(("quality", name) for name in QualityModel.model_fields),
        *(("processing", name) for name in ProcessingModel.model_fields),
        *(("document", name) for name in DocumentModel.model_fields),
    ]
)


def ingest_accepts(value: bytes) -> bool:
    """Give ingest's verdict, its comparison with the append time left out."""
    event = decode(value, FoldParameters())
    if isinstance(event, Rejection):
        return False
    return fault_of(event, event.occurred_at_ms, FoldParameters()) is None


def model_accepts(value: bytes) -> bool:
    try:
        QueryEventModel.from_json(value)
    except ValueError:
        return False
    return True


def as_json(event: Any) -> bytes:
    # A lone surrogate has no UTF-8 form, but it can be written as an escape.
    return json.dumps(event, ensure_ascii=True).encode()


@settings(max_examples=500)
@given(changes=st.dictionaries(NAMES, AWKWARD, max_size=3), removed=st.sets(NAMES, max_size=2))
@example(changes={"latency_ms": True}, removed=set())
@example(changes={"occurred_at_ms": 1.0}, removed=set())
@example(changes={"unknown": 10**400}, removed=set())
def test_both_forms_of_the_contract_give_the_same_verdict(changes: dict[str, Any], removed: set[str]) -> None:
    value = as_json({name: field for name, field in {**FULL, **changes}.items() if name not in removed})

    assert ingest_accepts(value) == model_accepts(value)


@settings(max_examples=500)
@given(part=PARTS, awkward=AWKWARD)
def test_both_forms_give_the_same_verdict_on_nested_fields(part: tuple[str, str], awkward: Any) -> None:
    section, name = part
    event = (
        {**FULL, "documents": [{"id": "d", name: awkward}]}
        if section == "document"
        else {**FULL, section: {name: awkward}}
    )
    value = as_json(event)

    assert ingest_accepts(value) == model_accepts(value)


@given(value=st.binary(max_size=40) | st.recursive(AWKWARD, lambda inner: st.lists(inner, max_size=3)).map(as_json))
@example(value=b'{"a":NaN}')
@example(value=b"\xef\xbb\xbf{}")
@example(value=b"")
def test_both_forms_give_the_same_verdict_on_anything_else(value: bytes) -> None:
    assert ingest_accepts(value) == model_accepts(value)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ('"latency_ms":1e400', False),
        ('"latency_ms":NaN', False),
        ('"latency_ms":-1', False),
        ('"latency_ms":-0', True),
        ('"latency_ms":true', False),
        ('"latency_ms":"1"', False),
        ('"input_tokens":1.0', False),
        ('"input_tokens":1e2', False),
        ('"input_tokens":00', False),
        ('"unknown":1e400', True),
        ('"unknown":NaN', False),
        ('"unknown":"\\ud800"', False),
        ('"unknown":{"\\udc00":1}', False),
        ('"unknown":"\\ud83d\\ude00"', True),
        ('"model":"\\ud800"', False),
        ('"unknown":' + "9" * 5000, True),
        ('"documents":[{"id":"a","score":' + "9" * 5000 + "}]", False),
        ('"model":"a\nb"', False),
        ('"unknown":"a\nb"', False),
    ],
)
def test_numbers_and_text_at_the_edges_of_json_have_one_verdict(text: str, accepted: bool) -> None:
    value = as_json(VALID)[:-1] + b"," + text.encode() + b"}"

    assert (accepted, accepted) == (ingest_accepts(value), model_accepts(value))


def test_an_event_with_every_kind_of_field_is_accepted_by_both() -> None:
    assert (True, True) == (ingest_accepts(as_json(FULL)), model_accepts(as_json(FULL)))


@pytest.mark.parametrize(
    ("struct", "model"),
    [
        (QueryEvent, QueryEventModel),
        (Document, DocumentModel),
        (Quality, QualityModel),
        (Processing, ProcessingModel),
    ],
)
def test_both_forms_have_the_same_fields_in_the_same_order(struct: type, model: type[BaseModel]) -> None:
    assert [field.name for field in fields(struct)] == list(model.model_fields)
