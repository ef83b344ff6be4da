"""What a well-formed event must still be held to: the rules that types cannot say, its evidence, its time.

Time is compared with the record's own append time, never with a clock, so that a replay decides the same.
"""

from functools import lru_cache
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.processing import Processing
from ragpulse.schemas.query_event import QueryEvent
from ragpulse.schemas.query_event_rules import LATENCY_REQUIRED_FOR, broken_rule, is_label
from ragpulse.schemas.rejection_reason import RejectionReason
from ragpulse.schemas.segment import FoldParameters
from ragpulse.streams.segments.decode import KNOWN_VERSIONS
from ragpulse.streams.segments.event_columns import Column, Columns
from ragpulse.streams.segments.rejection import Rejection, breach

_decode_processing: Final = msgspec.json.Decoder(Processing | None).decode

REMEMBERED_LABELS: Final = 65_536
REMEMBERED_EVIDENCE: Final = 4_096
LONGEST_REMEMBERED_EVIDENCE: Final = 2_048  # bytes; with the line above, what is remembered stays below 9 MB


def faults_of(
    events: list[QueryEvent], columns: Columns, append_ms: NDArray[np.int64], parameters: FoldParameters
) -> dict[int, Rejection]:
    """Return the rejections among decoded events, by position. ``append_ms`` are their records' append times."""
    suspects = _suspects(columns, append_ms, parameters)
    faults = {int(i): fault_of(events[i], int(append_ms[i]), parameters) for i in np.flatnonzero(suspects)}
    return {position: fault for position, fault in faults.items() if fault is not None}


def fault_of(event: QueryEvent, append_ms: int, parameters: FoldParameters) -> Rejection | None:
    """Return why an event is rejected: the first reason in a fixed order."""
    if rule := broken_rule(event):
        return Rejection(*rule)
    return _evidence_fault(bytes(event.processing)) or _time_fault(event.occurred_at_ms, append_ms, parameters)


def _time_fault(occurred_at_ms: int, append_ms: int, parameters: FoldParameters) -> Rejection | None:
    if occurred_at_ms > append_ms + parameters.future_ms:
        message = f"occurred_at_ms is more than {parameters.future_ms} ms ahead of the record's append time: is it in milliseconds?"
        return Rejection(RejectionReason.TIME_IN_FUTURE, "occurred_at_ms", message)
    if occurred_at_ms < append_ms - parameters.max_age_ms:
        message = f"occurred_at_ms is more than {parameters.max_age_ms} ms behind the record's append time: is it in milliseconds?"
        return Rejection(RejectionReason.TIME_TOO_OLD, "occurred_at_ms", message)
    return None


def _evidence_fault(processing: bytes) -> Rejection | None:
    """Say what is wrong with ``processing``: it is an object of optional fields, or null."""
    if len(processing) <= LONGEST_REMEMBERED_EVIDENCE:
        return _remembered_evidence_fault(processing)
    return _find_evidence_fault(processing)


def _find_evidence_fault(processing: bytes) -> Rejection | None:
    try:
        _decode_processing(processing)
    except msgspec.ValidationError as error:
        return breach(error, "processing")
    return None


_remembered_evidence_fault: Final = lru_cache(REMEMBERED_EVIDENCE)(_find_evidence_fault)


@lru_cache(REMEMBERED_LABELS)
def _are_labels(tenant: str | None, service: str, variant: str | None) -> bool:
    return is_label(tenant) and is_label(service) and is_label(variant)


def _suspects(columns: Columns, append_ms: NDArray[np.int64], parameters: FoldParameters) -> NDArray[np.bool_]:
    """Return which events `fault_of` must look at: all that it rejects, found by looking at distinct values only."""
    occurred = np.array(columns["occurred_at_ms"], dtype=np.int64)
    suspects = (occurred > append_ms + parameters.future_ms) | (occurred < append_ms - parameters.max_age_ms)
    if not KNOWN_VERSIONS.issuperset(columns["schema_version"]):
        suspects |= [version not in KNOWN_VERSIONS for version in columns["schema_version"]]
    if None in columns["latency_ms"]:
        suspects |= _without_latency(columns["status"], columns["latency_ms"])
    labels = tuple(zip(columns["tenant"], columns["service"], columns["variant"], strict=True))
    suspects |= _among(labels, {label for label in set(labels) if not _are_labels(*label)})
    evidence = tuple(map(bytes, columns["processing"]))
    return suspects | _among(evidence, {raw for raw in set(evidence) if _evidence_fault(raw)})


def _without_latency(statuses: Column, latencies: Column) -> list[bool]:
    pairs = zip(statuses, latencies, strict=True)
    return [latency is None and status in LATENCY_REQUIRED_FOR for status, latency in pairs]


def _among(values: Column, wrong: set[Column] | set[bytes]) -> NDArray[np.bool_] | np.bool_:
    return np.array([value in wrong for value in values]) if wrong else np.False_
