"""Logs of the source topic for tests: builders with one-line overrides, and Hypothesis strategies for random ones."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from ragpulse.schemas.segment import FoldParameters, Pins
from ragpulse.streams.segments.partition_fold import FoldStep, PartitionFold
from ragpulse.streams.segments.pins import Wanted
from reference_fold import LogRecord

TOPIC = "rag.query-events"
START_MS = 1_764_000_000_000  # a pane, a slot and an hour begin here
TICK_HEADERS = [("ragpulse-tick", b"1")]


def query_event(**fields: Any) -> bytes:
    """Return the value of an event that is right, but for what the test says."""
    event = {
        "event_id": "e-1",
        "occurred_at_ms": START_MS,
        "service": "support",
        "operation": "query_processing",
        "status": "ok",
        "latency_ms": 250.0,
        **fields,
    }
    return msgspec.json.encode(event)


def small_parameters(**fields: Any) -> FoldParameters:
    """Return parameters whose limits a short log reaches."""
    return FoldParameters(**{"block_size": 40, "cell_cap": 4, "lateness_ms": 20_000, "max_age_ms": 90_000, **fields})


def new_fold(parameters: FoldParameters, wanted: FoldParameters | None = None) -> PartitionFold:
    """Return the fold of partition 0, at its beginning."""
    pins = Pins(topic_id="topic-1", parameters=parameters, policy_digest="policy-1")
    return PartitionFold(TOPIC, 0, 0, pins, Wanted(wanted or parameters, "policy-1"))


def fold(partition: PartitionFold, records: list[LogRecord]) -> FoldStep:
    """Hand records to the fold as columns."""
    return partition.fold(
        [record.offset for record in records],
        [record.append_ms for record in records],
        [record.value for record in records],
        [b"key"] * len(records),
        [TICK_HEADERS if record.tick else () for record in records],
    )


BAD_VALUES = st.sampled_from(
    [
        None,
        b"",
        b"not json",
        b'{"event_id":"x"}',
        query_event(service="__mine"),
        query_event(latency_ms=None),
        query_event(latency_ms=True),
        query_event(schema_version=2),
        query_event(occurred_at_ms=START_MS // 1_000),
        query_event(occurred_at_ms=START_MS * 1_000),
        query_event(processing=[]),
        query_event(quality={"relevance": 2}),
        query_event(deep=[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]),
        query_event(region="\u00fc").replace(b"\xc3", b"\xff"),
        b"x" * 300_000,
    ]
)


def _optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.just(msgspec.UNSET) | values


RATIOS = st.floats(0, 1)
#: Event time less append time: mostly on time, else around the bounds of small_parameters.
DELAYS_MS = st.sampled_from(
    [0, 0, 0, -1, 5, -9_999, -10_000, -10_001, -30_000, -30_001, -90_000, -90_001, 300_000, 300_001]
)
FIELDS = st.fixed_dictionaries(
    {
        "event_id": st.integers(0, 40).map(lambda number: f"e-{number}"),
        "service": st.sampled_from(["a", "b", "c/d", "a.b:c-d_e"]),
        "operation": st.sampled_from(["query_processing", "document_retrieval"]),
        "status": st.sampled_from(["ok", "error", "timeout", "rejected"]),
        "latency_ms": st.floats(0, 86_400_000) | st.sampled_from([0, 0.0004, 0.0005, 0.001, 0.0015, 250, 86_400_000]),
    },
    optional={
        "tenant": st.sampled_from([None, "default", "acme"]),
        "variant": st.sampled_from([None, "x", "y"]),
        "retrieval_ms": st.floats(0, 1_000),
        "generation_ms": st.floats(0, 1_000),
        "quality_score": RATIOS,
        "quality": st.dictionaries(st.sampled_from(["relevance", "accuracy", "faithfulness", "safety"]), RATIOS),
        "user_rating": st.floats(1, 5),
        "cost_usd": st.floats(0, 1_000_000) | st.just(1_000_000),
        "input_tokens": st.integers(0, 1_000_000_000),
        "output_tokens": st.integers(0, 100),
        "user_id": st.sampled_from([None, "u-1", "u-2", "\u00fcser"]),
        "documents": st.lists(st.just({"id": "d"}), max_size=3),
        "processing": st.sampled_from([None, {}, {"purpose": "support", "mfa": True}]),
    },
)


@st.composite
def logs(draw: st.DrawFn, max_size: int = 50) -> list[LogRecord]:
    """Draw a log with good, bad, late and repeated events, ticks and gaps, whose append times mostly rise."""
    offset, append_ms, records = draw(st.integers(0, 20)), START_MS, []
    for kind in draw(st.lists(st.integers(0, 19), max_size=max_size)):
        offset += 20 if kind == 0 else 1
        append_ms += draw(st.sampled_from([1, 700, 5_000, 40_000, -1])) if kind < 3 else 0
        if kind == 3:
            records.append(LogRecord(offset, append_ms, b"", tick=True))
        elif kind == 4:
            records.append(LogRecord(offset, append_ms, draw(BAD_VALUES)))
        else:
            value = query_event(**draw(FIELDS), occurred_at_ms=append_ms + draw(DELAYS_MS))
            records.append(LogRecord(offset, append_ms, value))
    return records
