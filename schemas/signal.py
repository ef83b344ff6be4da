"""`rag.signals`: the one order that alerting follows. One partition; same signals, same alerts, byte for byte."""

from typing import Literal

from ragpulse.schemas.outgoing import OutgoingEvent
from ragpulse.schemas.sla import Violation


class PipelineHealth(OutgoingEvent):
    """ragpulse about itself: a source partition whose owner is silent. Identity: subject, at which it began, phase."""

    subject: str  # e.g. ``silent_partition:rag.query-events/3``
    phase: Literal["opened", "ended"]
    since_ms: int
    message: str


class Signal(OutgoingEvent):
    """One signal. Identity: that of what it carries. Exactly one of the bodies is set, as ``kind`` says.

    Anomalies, compliance findings and commands (acknowledge, silence) join here as further kinds. ``tick`` carries no
    body: it only says what time it is.
    """

    kind: Literal["violation", "pipeline_health", "tick"]
    violation: Violation | None = None
    pipeline_health: PipelineHealth | None = None
