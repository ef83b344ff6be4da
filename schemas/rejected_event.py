"""`rag.rejected-events`: the dead letter. Each record that broke the contract, with reason, field and origin."""

from enum import StrEnum

from ragpulse.schemas.outgoing import OutgoingEvent


class RejectionReason(StrEnum):
    """Why a record was rejected. A closed list: it is a metric label."""

    EMPTY_VALUE = "empty_value"
    TOO_LARGE = "too_large"
    INVALID_JSON = "invalid_json"
    INVALID_UTF8 = "invalid_utf8"
    TOO_DEEP = "too_deep"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_VALUE = "unknown_value"
    INVALID_LABEL = "invalid_label"
    LATENCY_REQUIRED = "latency_required"
    UNKNOWN_SCHEMA_VERSION = "unknown_schema_version"
    TIME_IN_FUTURE = "time_in_future"
    TIME_TOO_OLD = "time_too_old"


class RejectedEvent(OutgoingEvent):
    """One rejected record. Identity: topic, partition, offset. ``at_ms`` is the record's append time."""

    reason: RejectionReason
    field: str | None  # path such as ``documents[0].id``; null where the record as a whole is at fault
    message: str  # one sentence, at most 300 characters, without the offending value
    topic: str
    partition: int
    offset: int
    size_bytes: int
    payload_base64: str | None  # the original bytes, unless ``dlq.store_payload`` is false
    key_base64: str | None = None
