"""Verdicts as events: what a judgement, a step of a violation and the end of a service look like on their topics."""

from dataclasses import dataclass
from typing import Final

from ragpulse.schemas.identity import derived_id
from ragpulse.schemas.sla import SlaCompliance, Violation, WindowRef
from ragpulse.streams.sla.judge import Judgement
from ragpulse.streams.sla.objectives import Promise
from ragpulse.streams.sla.violations import Step
from ragpulse.streams.windows.results import Span
from ragpulse.streams.windows.series import Service

FORGOTTEN_AFTER_MS: Final = 86_400_000


def verdict_of(
    service: Service, span: Span, judgement: Judgement, policy_digest: str, provisional_at_ms: int | None = None
) -> SlaCompliance:
    """Return a verdict: final, of its window's end, or provisional, of an event time. In its id, final is 1 or 0."""
    is_final = provisional_at_ms is None
    return SlaCompliance(
        id=derived_id(*service, span.size_ms, span.start_ms, int(is_final), span.revision),
        at_ms=span.end_ms if provisional_at_ms is None else provisional_at_ms,
        service=service.service,
        tenant=service.tenant,
        sla_compliant=judgement.is_compliant,
        status=judgement.status,
        violations=list(judgement.breaches),
        compliance_score=judgement.compliance_score,
        attainment=list(judgement.attainment),
        window=WindowRef(start_ms=span.start_ms, size_ms=span.size_ms),
        samples=judgement.samples,
        p95_latency_ms=judgement.p95_latency_ms,
        availability=judgement.availability,
        average_quality_score=judgement.average_quality_score,
        final=is_final,
        revision=span.revision,
        incomplete=list(span.incomplete),
        policy_digest=policy_digest,
    )


def forgotten(service: Service, span: Span, policy_digest: str) -> SlaCompliance:
    """Return the last event of a service; its window is the day of silence. Its id names the status instead of a revision."""
    return SlaCompliance(
        id=derived_id(*service, span.size_ms, span.start_ms, "forgotten"),
        at_ms=span.end_ms,
        service=service.service,
        tenant=service.tenant,
        sla_compliant=None,
        status="forgotten",
        violations=[],
        compliance_score=None,
        attainment=[],
        window=WindowRef(start_ms=span.start_ms, size_ms=span.size_ms),
        samples=0,
        p95_latency_ms=None,
        availability=None,
        average_quality_score=None,
        final=True,
        revision=span.revision,
        policy_digest=policy_digest,
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a step of a violation was seen, and the figures there."""

    span: Span
    at_ms: int
    current_value: float | None = None  # in the unit of the promise
    samples: int = 0


def violation_of(service: Service, promise: Promise, step: Step, seen: Seen, policy_digest: str) -> Violation:
    """Return one step of a violation of a promise, judged on windows of the size it was seen in."""
    size_ms, opened_ms = seen.span.size_ms, step.violation.opened_ms
    violation_id = derived_id(*service, promise.name, size_ms, opened_ms)
    return Violation(
        id=derived_id(violation_id, step.phase, seen.at_ms),
        at_ms=seen.at_ms,
        service=service.service,
        tenant=service.tenant,
        violation_id=violation_id,
        phase=step.phase,
        confirmed=step.violation.confirmed,
        objective=promise.name,
        type=promise.type,
        severity=promise.severity,
        current_value=seen.current_value,
        threshold=promise.threshold,
        unit=promise.unit.name,
        impact=promise.impact,
        window=WindowRef(start_ms=seen.span.start_ms, size_ms=size_ms),
        opened_window=WindowRef(start_ms=opened_ms, size_ms=size_ms),
        samples=seen.samples,
        revision=seen.span.revision,
        policy_digest=policy_digest,
    )
