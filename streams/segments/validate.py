"""What a well-formed event must still be held to: the rules that types cannot say, its evidence, its time.

Time is compared with the record's own append time, never with a clock, so that a replay decides the same.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.processing import Processing
from ragpulse.schemas.query_event import QueryEvent
from ragpulse.schemas.query_event_rules import LATENCY_REQUIRED_FOR, broken_rule
from ragpulse.schemas.rejection_reason import RejectionReason
from ragpulse.schemas.segment import FoldParameters
from ragpulse.streams.segments.cell_keys import INVALID
from ragpulse.streams.segments.decode import KNOWN_VERSIONS
from ragpulse.streams.segments.event_fields import Field, Fields
from ragpulse.streams.segments.rejection import Rejection, breach

Integers = NDArray[np.int64]

_decode_processing: Final = msgspec.json.Decoder(Processing | None).decode

REMEMBERED_EVIDENCE: Final = 4_096
LONGEST_REMEMBERED_EVIDENCE: Final = 2_048  # bytes; with the line above, what is remembered stays below 9 MB


def faults_of(
    events: Sequence[QueryEvent], fields: Fields, keys: Integers, append_ms: Integers, parameters: FoldParameters
) -> dict[int, Rejection]:
    """Return the rejections among decoded events, by position.

    ``keys`` are the codes of their keys, ``append_ms`` their records' append times. `fault_of` decides; it is asked about
    suspects only, and those are found by looking at whole columns and at distinct values.
    """
    suspects = _suspects(fields, append_ms, parameters) | (keys == INVALID)
    faults = {i: fault_of(events[i], int(append_ms[i]), parameters) for i in np.flatnonzero(suspects).tolist()}
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


def _suspects(fields: Fields, append_ms: Integers, parameters: FoldParameters) -> NDArray[np.bool_]:
    """Return all events that `fault_of` rejects for another reason than a label."""
    occurred = np.array(fields["occurred_at_ms"], dtype=np.int64)
    suspects = (occurred > append_ms + parameters.future_ms) | (occurred < append_ms - parameters.max_age_ms)
    if not KNOWN_VERSIONS.issuperset(fields["schema_version"]):
        suspects |= [version not in KNOWN_VERSIONS for version in fields["schema_version"]]
    if None in fields["latency_ms"]:
        suspects |= _without_latency(fields["status"], fields["latency_ms"])
    evidence = tuple(map(bytes, fields["processing"]))
    return suspects | _among(evidence, {raw for raw in set(evidence) if _evidence_fault(raw)})


def _without_latency(statuses: Field, latencies: Field) -> list[bool]:
    pairs = zip(statuses, latencies, strict=True)
    return [latency is None and status in LATENCY_REQUIRED_FOR for status, latency in pairs]


def _among(values: Field, wrong: set[bytes]) -> NDArray[np.bool_] | np.bool_:
    return np.array([value in wrong for value in values]) if wrong else np.False_
