"""Why a record breaks the contract. Its own module, so that the producer SDK can name reasons without pydantic."""

from enum import StrEnum


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
