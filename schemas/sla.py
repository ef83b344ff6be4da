"""SLA verdicts (`rag.sla-compliance`) and violations (`rag.violations`)."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from ragpulse.schemas.outgoing import Contract, OutgoingEvent


class Severity(StrEnum):
    """How bad. The order is low, medium, high, critical."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class ObjectiveName(StrEnum):
    """What can be promised about a service, in wire units."""

    P95_LATENCY_MS = "p95_latency_ms"
    AVAILABILITY = "availability"
    QUALITY_SCORE = "quality_score"


class ViolationType(StrEnum):
    """Names that users know."""

    RESPONSE_TIME = "response_time_sla"
    AVAILABILITY = "availability_sla"
    QUALITY = "quality_sla"


class Outcome(StrEnum):
    """Judgement of one objective in one window. The last two mean "not judged" and end no violation."""

    MET = "met"
    BREACHED = "breached"
    INSUFFICIENT_DATA = "insufficient_data"
    NO_DATA = "no_data"


class WindowRef(Contract):
    """Half-open, epoch-aligned: [start, start + size)."""

    start_ms: int
    size_ms: int


class Breach(Contract):
    """One breached objective, in the words of the contract."""

    type: ViolationType
    severity: Severity
    current_value: float
    threshold: float
    unit: str
    impact: str


class Attainment(Contract):
    """One objective of a verdict, judged or not."""

    objective: ObjectiveName
    outcome: Outcome
    current_value: float | None
    threshold: float
    unit: str
    samples: int
    minimum_samples: int


class SlaCompliance(OutgoingEvent):
    """A verdict. Identity: tenant, service, window size and start, final (1 or 0), revision.

    A forgotten service's last event has the identity tenant, service, window size and start, ``forgotten``; its window is the
    day of silence.

    ``sla_compliant``: all judged objectives are met; null if none was judged. ``compliance_score``: objectives met /
    objectives judged, null if none.
    """

    sla_compliant: bool | None
    status: Literal["compliant", "violated", "insufficient_data", "no_data", "forgotten"]
    violations: list[Breach]
    compliance_score: float | None
    attainment: list[Attainment]
    window: WindowRef
    samples: int
    p95_latency_ms: float | None
    availability: float | None
    average_quality_score: float | None
    final: bool
    revision: int
    incomplete: list[int] = Field(default_factory=list)
    policy_digest: str


class ViolationPhase(StrEnum):
    """Life of a violation."""

    OPENED = "opened"
    CONTINUING = "continuing"
    CONFIRMED = "confirmed"  # the final verdict of the window that opened it agrees
    ENDED = "ended"
    NOT_CONFIRMED = "not_confirmed"  # the final verdict of the window that opened it disagrees: it ends


class Violation(OutgoingEvent):
    """One step in the life of one violation. Identity: violation_id, phase, at_ms.

    ``violation_id`` is derived from tenant, service, objective, window size and the start of the first breached window.
    """

    violation_id: str
    phase: ViolationPhase
    confirmed: bool
    objective: ObjectiveName
    type: ViolationType
    severity: Severity
    current_value: float | None
    threshold: float
    unit: str
    impact: str
    window: WindowRef  # where this step was seen
    opened_window: WindowRef
    samples: int
    revision: int
    policy_digest: str
