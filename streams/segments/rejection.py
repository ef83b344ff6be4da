"""Why a record is no event: reason, field and a sentence that never repeats the offending value."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Final

import msgspec

from ragpulse.schemas.identity import derived_id
from ragpulse.schemas.query_event import OPERATIONS, STATUSES
from ragpulse.schemas.rejected_event import RejectedEvent
from ragpulse.schemas.rejection_reason import RejectionReason

MAX_MESSAGE: Final = 300

_REASONS: Final = {
    "Object missing required field": RejectionReason.MISSING_FIELD,
    "Number out of range": RejectionReason.OUT_OF_RANGE,
    "Invalid enum value": RejectionReason.UNKNOWN_VALUE,
}
_KNOWN_VALUES: Final = {"operation": OPERATIONS, "status": STATUSES}


@dataclass(frozen=True, slots=True)
class Rejection:
    """The verdict on one record that broke the contract."""

    reason: RejectionReason
    field: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Origin:
    """One rejected record and where it stood."""

    topic: str
    partition: int
    offset: int
    append_ms: int
    value: bytes | None
    key: bytes | None


def malformed(error: msgspec.DecodeError) -> Rejection:
    """Return the rejection for bytes that are no JSON. The decoder names a position, never content."""
    return Rejection(RejectionReason.INVALID_JSON, None, str(error)[:MAX_MESSAGE])


def breach(error: msgspec.ValidationError, inside: str | None = None) -> Rejection:
    """Return the rejection for JSON that is not of the contract's form. ``inside`` is the field that was decoded."""
    expectation, _, place = str(error).partition(" - at `$")
    path = (f"{inside}." if inside else "") + place.removesuffix("`").removeprefix(".")
    field = path.rstrip(".") or None
    reason = _reason(expectation)
    if reason is RejectionReason.MISSING_FIELD:
        field = f"{f'{field}.' if field else ''}{expectation.split('`')[1]}"
        return Rejection(reason, field, f"{field} is required")
    if reason is RejectionReason.UNKNOWN_VALUE:
        # The decoder's own text repeats the value.
        return Rejection(reason, field, f"{field} is none of {', '.join(_KNOWN_VALUES[field or ''])}")
    return Rejection(reason, field, f"{field or 'The record'}: {expectation}"[:MAX_MESSAGE])


def _reason(expectation: str) -> RejectionReason:
    """Map the decoder's wording; a test holds it to each form that msgspec uses."""
    for beginning, reason in _REASONS.items():
        if expectation.startswith(beginning):
            return reason
    return RejectionReason.WRONG_TYPE if ", got `" in expectation else RejectionReason.OUT_OF_RANGE


def rejected_event(rejection: Rejection, origin: Origin) -> RejectedEvent:
    """Return the dead letter of a record, with its bytes: whoever may not store them removes them."""
    return RejectedEvent(
        id=derived_id(origin.topic, origin.partition, origin.offset),
        at_ms=origin.append_ms,
        reason=rejection.reason,
        field=rejection.field,
        message=rejection.message,
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        size_bytes=len(origin.value or b""),
        payload_base64=_base64(origin.value),
        key_base64=_base64(origin.key),
    )


def _base64(content: bytes | None) -> str | None:
    return None if content is None else b64encode(content).decode()
