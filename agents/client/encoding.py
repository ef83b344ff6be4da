"""From an event to the bytes that are sent, refusing early what ingest would reject later.

The bytes are decoded again by the very type that ingest decodes with, so both give the same verdict.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final, NoReturn

import msgspec

from ragpulse.schemas.errors import InvalidEventError
from ragpulse.schemas.processing import Processing
from ragpulse.schemas.query_event import NO_PROCESSING, QueryEvent
from ragpulse.schemas.query_event_rules import broken_rule
from ragpulse.schemas.segment import FoldParameters
from ragpulse.streams.segments.nesting import is_deeper_than

#: Ingest's limits. Pinned parameters of a running segment may differ for the time of a change.
_LIMITS: Final = FoldParameters()
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(QueryEvent)
_PROCESSING_DECODER: Final = msgspec.json.Decoder(Processing | None)
_DAY_MS: Final = 86_400_000


def encoded(event: QueryEvent | Mapping[str, Any], now_ms: int) -> tuple[str, bytes]:
    """Return event_id and JSON of an event that keeps the contract. ``now_ms``: the clock, epoch ms.

    Unknown fields of a mapping are sent along; ingest ignores them.

    Raises:
        InvalidEventError: it does not; the text names the field and the rule.

    """
    value = _json(event)
    _refuse_large_or_deep(value)
    # The encoder writes NaN and infinity as null, which would turn a broken measurement into a missing one.
    if b"null" in value and (path := next(_not_finite(event, ""), None)):
        _refuse(f"{path} is not a finite number; leave out what was not measured")
    decoded = _decoded(value)
    _refuse_processing(decoded.processing)
    if rule := broken_rule(decoded):
        _refuse(rule.message)
    _refuse_time(decoded.occurred_at_ms, now_ms)
    return decoded.event_id, value


def _refuse(why: str) -> NoReturn:
    message = f"The event is refused: {why}."
    raise InvalidEventError(message)


def _json(event: QueryEvent | Mapping[str, Any]) -> bytes:
    try:
        return _ENCODER.encode(event)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        _refuse(f"it cannot be written as JSON ({error})")


def _decoded(value: bytes) -> QueryEvent:
    try:
        return _DECODER.decode(value)
    except msgspec.DecodeError as error:
        _refuse(str(error))


def _refuse_processing(processing: msgspec.Raw) -> None:
    if processing is NO_PROCESSING:
        return
    try:
        _PROCESSING_DECODER.decode(processing)
    except msgspec.DecodeError as error:
        _refuse(f"processing: {error}")


def _refuse_large_or_deep(value: bytes) -> None:
    if len(value) > _LIMITS.max_event_bytes:
        _refuse(f"it has {len(value)} bytes as JSON, the limit is {_LIMITS.max_event_bytes}")
    if is_deeper_than(value, _LIMITS.max_depth):
        _refuse(f"it is nested deeper than {_LIMITS.max_depth} levels")


def _not_finite(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, float):
        if not isfinite(value):
            yield path
        return
    for name, child in _children(value):
        yield from _not_finite(child, f"{path}.{name}".lstrip("."))


def _children(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, msgspec.Struct):
        return ((name, getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, Mapping):
        return iter(value.items())
    return iter(enumerate(value)) if isinstance(value, list | tuple) else iter(())


def _refuse_time(occurred_at_ms: int, now_ms: int) -> None:
    if occurred_at_ms > now_ms + _LIMITS.future_ms:
        where = f"more than {_LIMITS.future_ms // 60_000} min ahead of the clock"
    elif occurred_at_ms < now_ms - _LIMITS.max_age_ms:
        where = f"more than {_LIMITS.max_age_ms // _DAY_MS} days ago"
    else:
        return
    _refuse(f"occurred_at_ms lies {where}; it is in ms since 1970, UTC")
