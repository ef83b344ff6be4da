"""Causes: what the kinds of signals have in common for the life of an alert. A new kind of signal joins here."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from ragpulse.schemas.errors import ContractError
from ragpulse.schemas.identity import derived_id
from ragpulse.schemas.signal import PipelineHealth, Signal
from ragpulse.schemas.sla import ObjectiveName, Severity, Violation, ViolationPhase, ViolationType, WindowRef
from ragpulse.streams.alerting.fingerprint import fingerprint

PIPELINE_HEALTH: Final = "pipeline_health"
#: Every type an alert can have: what the routes of a policy may name.
ALERT_TYPES: Final[tuple[str, ...]] = (*ViolationType, PIPELINE_HEALTH)


class Stage(IntEnum):
    """How far a cause has come. It only rises, so what is said again is known by its stage.

    A claim that was withdrawn comes back when the final figures of a later look confirm it: slo withdraws an early
    verdict also where the breach turns out to have begun in an earlier window.
    """

    CLAIMED = 1  # on early figures
    WITHDRAWN = 2  # the final figures met the promise
    CONFIRMED = 3
    ENDED = 4


@dataclass(frozen=True, slots=True)
class Measurement:
    """The figures behind a cause. ``current_value`` and ``threshold`` are in ``unit``."""

    objective: ObjectiveName
    current_value: float | None
    threshold: float
    unit: str
    window: WindowRef
    samples: int


@dataclass(frozen=True, slots=True)
class Cause:
    """One signal, as the alert's life cycle sees it. Causes with one fingerprint share an alert."""

    id: str
    stage: Stage
    fingerprint: str
    type: str
    tenant: str | None
    service: str | None
    subject: str  # the objective, or what ragpulse says about itself
    severity: Severity
    impact: str
    measurement: Measurement | None = None
    message: str = ""
    ends_all: bool = False  # its end ends every cause of the alert


def cause_of(signal: Signal) -> Cause | None:
    """Return the cause a signal speaks of; None for one that only says what time it is.

    Raises:
        ContractError: the body that the signal's kind names is missing.

    """
    if signal.kind == "tick":
        return None
    if signal.kind == "violation" and signal.violation is not None:
        return _of_violation(signal.violation)
    if signal.kind == "pipeline_health" and signal.pipeline_health is not None:
        return _of_pipeline(signal.pipeline_health)
    message = f"Signal {signal.id} says it is a {signal.kind} and carries none. Was it written by another program?"
    raise ContractError(message)


def _of_violation(violation: Violation) -> Cause:
    return Cause(
        id=violation.violation_id,
        stage=_stage_of(violation),
        fingerprint=fingerprint(violation.type, violation.tenant, violation.service, violation.objective),
        type=violation.type,
        tenant=violation.tenant,
        service=violation.service,
        subject=violation.objective,
        severity=violation.severity,
        impact=violation.impact,
        measurement=Measurement(
            objective=violation.objective,
            current_value=violation.current_value,
            threshold=violation.threshold,
            unit=violation.unit,
            window=violation.window,
            samples=violation.samples,
        ),
    )


def _stage_of(violation: Violation) -> Stage:
    if violation.phase is ViolationPhase.ENDED:
        return Stage.ENDED
    if violation.phase is ViolationPhase.NOT_CONFIRMED:
        return Stage.WITHDRAWN
    return Stage.CONFIRMED if violation.confirmed else Stage.CLAIMED


def _of_pipeline(health: PipelineHealth) -> Cause:
    return Cause(
        id=derived_id(PIPELINE_HEALTH, health.subject, health.since_ms),
        stage=Stage.CONFIRMED if health.phase == "opened" else Stage.ENDED,
        fingerprint=fingerprint(PIPELINE_HEALTH, None, None, health.subject),
        type=PIPELINE_HEALTH,
        tenant=None,
        service=None,
        subject=health.subject,
        severity=Severity.HIGH,  # verdicts are held back meanwhile: silence is never health
        impact="Verdicts come late or are incomplete until this ends",
        message=health.message,
        # Several workers may have reported one silence with different beginnings; what is heard again is heard by all.
        ends_all=True,
    )
