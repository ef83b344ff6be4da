"""One record: bytes to `QueryEvent` or `Rejection`. Fixed order of checks: the same bytes get the same verdict anywhere.

Records are decoded one by one: a batch joined to one array decodes no faster, and crafted records could merge in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ragpulse.schemas.query_event import SCHEMA_VERSION, QueryEvent
from ragpulse.schemas.rejection_reason import RejectionReason
from ragpulse.schemas.segment import FoldParameters
from ragpulse.streams.segments.nesting import is_deeper_than
from ragpulse.streams.segments.plain import are_plain
from ragpulse.streams.segments.rejection import Rejection, breach, malformed

KNOWN_VERSIONS: Final = frozenset({None, SCHEMA_VERSION})


class _Envelope(msgspec.Struct):
    """The one field that says by which contract the others are to be read."""

    schema_version: int | None = None


_decode_event: Final = msgspec.json.Decoder(QueryEvent).decode
_decode_envelope: Final = msgspec.json.Decoder(_Envelope).decode

UNKNOWN_VERSION: Final = Rejection(
    RejectionReason.UNKNOWN_SCHEMA_VERSION,
    "schema_version",
    f"schema_version is not {SCHEMA_VERSION}: upgrade ragpulse first",
)


@dataclass(slots=True)
class Decoded:
    """The verdicts on some values: events with their positions, ascending, and rejections by position."""

    events: list[QueryEvent] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    rejections: dict[int, Rejection] = field(default_factory=dict)


def decode_values(values: Sequence[bytes | None], parameters: FoldParameters, first: int = 0) -> Decoded:
    """Decode each value; the first has the position ``first``. What depends on time is not checked here."""
    if are_plain(values, parameters):
        # The same checks in the same order as `decode`, at once for all.
        try:
            return Decoded([_decode_event(value) for value in values], list(range(first, first + len(values))))
        except msgspec.DecodeError:
            pass  # one of them is wrong: which, and why, is found below
    decoded = Decoded()
    for position, value in enumerate(values, first):
        verdict = decode(value, parameters)
        if isinstance(verdict, QueryEvent):
            decoded.events.append(verdict)
            decoded.positions.append(position)
        else:
            decoded.rejections[position] = verdict
    return decoded


def decode(value: bytes | None, parameters: FoldParameters) -> QueryEvent | Rejection:
    """Decode one value, ticks excepted."""
    if not value:
        return Rejection(RejectionReason.EMPTY_VALUE, None, "The record has no value")
    return _byte_fault(value, parameters) or _parsed(value)


def _byte_fault(value: bytes, parameters: FoldParameters) -> Rejection | None:
    """Check what must be known before parsing."""
    if len(value) > parameters.max_event_bytes:
        message = f"The record is larger than {parameters.max_event_bytes} bytes"
        return Rejection(RejectionReason.TOO_LARGE, None, message)
    if not value.isascii() and not _is_utf8(value):
        return Rejection(RejectionReason.INVALID_UTF8, None, "The record is not UTF-8")
    if is_deeper_than(value, parameters.max_depth):
        return Rejection(
            RejectionReason.TOO_DEEP, None, f"The record is nested deeper than {parameters.max_depth} levels"
        )
    return None


def _is_utf8(value: bytes) -> bool:
    """Check all of it: the decoder skips the content of fields that it does not know."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _parsed(value: bytes) -> QueryEvent | Rejection:
    try:
        return _decode_event(value)
    except msgspec.ValidationError as error:
        return _version_fault(value) or breach(error)
    except msgspec.DecodeError as error:
        return malformed(error)


def _version_fault(value: bytes) -> Rejection | None:
    """Say whether an event that breaks this contract follows another: that is what its producer must hear."""
    try:
        envelope = _decode_envelope(value)
    except msgspec.DecodeError:
        return None
    return None if envelope.schema_version in KNOWN_VERSIONS else UNKNOWN_VERSION
