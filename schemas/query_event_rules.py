"""The rules of `QueryEvent` that types cannot say. Ingest, the producer SDK and the pydantic model all ask here."""

import re
from typing import Final, NamedTuple, Protocol

from ragpulse.schemas.query_event import LABEL_PATTERN, SCHEMA_VERSION, Status
from ragpulse.schemas.rejection_reason import RejectionReason

_LABEL: Final = re.compile(LABEL_PATTERN)
#: Statuses whose request was answered or waited for: both lasted a time that is known.
LATENCY_REQUIRED_FOR: Final = frozenset({"ok", "timeout"})


class BrokenRule(NamedTuple):
    """The first rule that an event breaks. ``message`` never quotes the value: it may be personal."""

    reason: RejectionReason
    field: str
    message: str


class Event(Protocol):
    """What the rules read of an event: the msgspec struct and the pydantic model both have it."""

    @property
    def service(self) -> str:
        """The service that answered."""

    @property
    def tenant(self) -> str | None:
        """Whose request it was."""

    @property
    def variant(self) -> str | None:
        """Of an A/B experiment."""

    @property
    def status(self) -> Status:
        """How the request ended."""

    @property
    def latency_ms(self) -> float | None:
        """Its duration."""

    @property
    def schema_version(self) -> int | None:
        """Which contract it follows; None means 1."""


def broken_rule(event: Event) -> BrokenRule | None:
    """Return the first rule that a well-typed event breaks. Times are judged elsewhere, against the record's own."""
    if event.schema_version is not None and event.schema_version != SCHEMA_VERSION:
        return _unknown_version()
    if event.latency_ms is None and event.status in LATENCY_REQUIRED_FOR:
        return _latency_required()
    labels = {"service": event.service, "tenant": event.tenant, "variant": event.variant}
    return next((_invalid_label(field) for field, label in labels.items() if not is_label(label)), None)


def _unknown_version() -> BrokenRule:
    return BrokenRule(
        RejectionReason.UNKNOWN_SCHEMA_VERSION,
        "schema_version",
        f"schema_version is not {SCHEMA_VERSION}: this ragpulse knows no other",
    )


def _latency_required() -> BrokenRule:
    return BrokenRule(
        RejectionReason.LATENCY_REQUIRED,
        "latency_ms",
        "latency_ms is required where status is ok or timeout",
    )


def is_label(value: str | None) -> bool:
    """Say whether a service, tenant or variant may become a key and a metric label. What is absent may."""
    return value is None or _LABEL.fullmatch(value) is not None


def _invalid_label(field: str) -> BrokenRule:
    return BrokenRule(
        RejectionReason.INVALID_LABEL,
        field,
        f"{field} has 1 to 128 letters, digits or ._:/- and does not begin with __",
    )
