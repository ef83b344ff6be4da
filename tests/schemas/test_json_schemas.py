"""The published JSON Schema of query events tells producers in other languages what ingest would."""

import json
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from ragpulse.console.replay import Plan, Request, schedule
from ragpulse.schemas.rejected_event import RejectionReason
from ragpulse.streams.segments.rejection import Origin, Rejection, rejected_event
from repository import ROOT

VALID: dict[str, Any] = {
    "event_id": "e-1",
    "occurred_at_ms": 1_700_000_000_000,
    "service": "support-bot",
    "operation": "query_processing",
    "status": "ok",
    "latency_ms": 412.5,
}


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((ROOT / "schemas" / "json" / name).read_text()))


def test_events_of_the_replay_keep_the_schema() -> None:
    requests = [Request(float(second), 500, 100) for second in range(50)]
    checked = validator("query_event.json")

    for _, event in schedule(requests, Plan(run_id="r")):
        checked.validate(json.loads(msgspec.json.encode(event)))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"status": "error", "latency_ms": None},
        {"of_mine": [1, {"b": None}]},
        {"tenant": None, "documents": [], "processing": {}, "schema_version": 1},
    ],
)
def test_the_schema_accepts_what_ingest_accepts(changes: dict[str, Any]) -> None:
    validator("query_event.json").validate(VALID | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"latency_ms": None},
        {"latency_ms": -1},
        {"latency_ms": "412"},
        {"latency_ms": True},
        {"occurred_at_ms": 1.5},
        {"status": "fine"},
        {"service": "a b"},
        {"service": "__other__"},
        {"event_id": ""},
        {"quality_score": 1.1},
        {"documents": [{}]},
        {"processing": {"mfa": "yes"}},
        {"schema_version": 2},
    ],
)
def test_the_schema_refuses_what_ingest_rejects(changes: dict[str, Any]) -> None:
    assert not validator("query_event.json").is_valid(VALID | changes)


def test_latency_is_required_where_the_request_was_answered() -> None:
    without = {name: value for name, value in VALID.items() if name != "latency_ms"}

    verdicts = [
        validator("query_event.json").is_valid(without | {"status": status}) for status in ("ok", "timeout", "error")
    ]
    assert [False, False, True] == verdicts


def test_a_rejection_keeps_its_schema() -> None:
    origin = Origin("rag.query-events", 0, 7, 1_700_000_000_000, b"{", None)
    written = rejected_event(Rejection(RejectionReason.INVALID_JSON, None, "truncated"), origin).to_bytes()

    validator("rejected_event.json").validate(json.loads(written))
