"""What the SDK refuses to send, and what it sends."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ragpulse.client import Document, InvalidEventError, QueryEvent, query_event
from ragpulse.client.encoding import encoded
from ragpulse.schemas.query_event_model import QueryEventModel

NOW_MS = 1_700_000_000_000


def event(**changes: Any) -> dict[str, Any]:
    return {
        "event_id": "e-1",
        "occurred_at_ms": NOW_MS,
        "service": "support-bot",
        "operation": "query_processing",
        "status": "ok",
        "latency_ms": 412.5,
    } | changes


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"latency_ms": float("nan")}, "latency_ms is not a finite number"),
        ({"latency_ms": float("inf")}, "latency_ms is not a finite number"),
        ({"documents": [{"id": "a", "score": float("nan")}]}, "documents.0.score is not a finite number"),
        ({"latency_ms": None}, "latency_ms is required where status is ok or timeout"),
        ({"latency_ms": True}, "Expected `float | null`, got `bool` - at `$.latency_ms`"),
        ({"latency_ms": "412"}, "Expected `float | null`, got `str` - at `$.latency_ms`"),
        ({"occurred_at_ms": 1.0}, "Expected `int`, got `float` - at `$.occurred_at_ms`"),
        ({"occurred_at_ms": NOW_MS // 1000}, "occurred_at_ms lies more than 7 days ago; it is in ms since 1970, UTC"),
        ({"occurred_at_ms": NOW_MS * 1000}, "Expected `int` <= 253402300799999 - at `$.occurred_at_ms`"),
        ({"occurred_at_ms": NOW_MS + 300_001}, "occurred_at_ms lies more than 5 min ahead of the clock"),
        ({"occurred_at_ms": datetime(2023, 1, 1, tzinfo=UTC)}, "Expected `int`, got `str` - at `$.occurred_at_ms`"),
        ({"service": "a b"}, "service has 1 to 128 letters, digits or ._:/-"),
        ({"tenant": "__other__"}, "tenant has 1 to 128 letters"),
        ({"event_id": ""}, "Expected `str` of length >= 1 - at `$.event_id`"),
        ({"operation": "query"}, "Invalid enum value 'query' - at `$.operation`"),
        ({"processing": {"mfa": "yes"}}, "processing: Expected `bool | null`, got `str` - at `$.mfa`"),
        ({"schema_version": 2}, "schema_version is not 1"),
        ({"extra": object()}, "it cannot be written as JSON (Encoding objects of type object is unsupported)"),
        ({"model": "\ud800"}, "it cannot be written as JSON"),
        ({"extra": "x" * 262_144}, "the limit is 262144"),
        ({"extra": json.loads("[" * 32 + "]" * 32)}, "it is nested deeper than 32 levels"),
    ],
)
def test_an_event_that_breaks_the_contract_is_refused_with_the_field_and_the_rule(
    changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidEventError) as caught:
        encoded(event(**changes), NOW_MS)

    assert told in str(caught.value)


def test_a_missing_required_field_is_named() -> None:
    with pytest.raises(InvalidEventError, match="missing required field `status`"):
        encoded({name: value for name, value in event().items() if name != "status"}, NOW_MS)


def test_an_event_that_refers_to_itself_is_refused() -> None:
    endless: dict[str, Any] = event()
    endless["extra"] = endless

    with pytest.raises(InvalidEventError, match="cannot be written as JSON"):
        encoded(endless, NOW_MS)


@pytest.mark.parametrize("changes", [{"latency_ms": "1"}, {"quality_score": float("nan")}, {"service": ""}])
def test_a_struct_with_wrong_values_is_refused_like_a_mapping(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidEventError):
        encoded(QueryEvent(**event(**changes)), NOW_MS)


def test_a_mapping_is_sent_with_all_its_fields() -> None:
    sent = event(documents=[{"id": "a"}], processing={"purpose": "support"}, tenant=None, of_mine=[1, {"b": None}])

    event_id, value = encoded(sent, NOW_MS)

    assert ("e-1", sent) == (event_id, json.loads(value))


def test_a_struct_is_sent_without_what_is_missing() -> None:
    _, value = encoded(QueryEvent(**event(documents=[Document(id="a")])), NOW_MS)

    assert event(documents=[{"id": "a"}]) == json.loads(value)


def test_the_builder_gives_an_id_and_the_present_time() -> None:
    first, second = query_event(service="a", latency_ms=1.0), query_event(service="a", status="error")

    assert first.event_id != second.event_id
    assert first.occurred_at_ms <= second.occurred_at_ms
    assert (None, "query_processing", "error") == (second.latency_ms, second.operation, second.status)


def test_the_builder_takes_every_field_of_the_contract() -> None:
    everything: dict[str, Any] = dict(
        event(), query_id="q", trace_id="t", tenant="acme", environment="prod", variant="b", region="eu", model="m",
        retrieval_ms=80.0, generation_ms=300.0, quality_score=0.9, user_rating=4.0, cost_usd=0.01, input_tokens=1,
        output_tokens=2, user_id="u", user_role="agent",
    )  # fmt: skip
    built = query_event(**everything, processing={"mfa": True}, documents=[Document("d")])
    _, value = encoded(built, NOW_MS)

    assert everything | {"processing": {"mfa": True}, "documents": [{"id": "d"}]} == json.loads(value)
    left_out = set(QueryEventModel.model_fields) - json.loads(value).keys()
    assert {"schema_version", "quality"} == left_out


def test_evidence_given_as_raw_json_must_be_json() -> None:
    with pytest.raises(InvalidEventError, match="malformed"):
        encoded(QueryEvent(**event(processing=msgspec.Raw(b'{"mfa":'))), NOW_MS)
