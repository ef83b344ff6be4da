"""Timelines of signals, written as data: ``at(3).violation(OPENED)`` is what slo says three seconds after the start."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ragpulse.schemas.alert import Alert, Notification
from ragpulse.schemas.identity import derived_id
from ragpulse.schemas.policy import Policy
from ragpulse.schemas.signal import PipelineHealth, Signal
from ragpulse.schemas.sla import ObjectiveName, Severity, Violation, ViolationPhase, ViolationType, WindowRef
from ragpulse.streams.alerting.book import AlertBook, Outcome

START_MS = 1_763_985_600_000  # 2025-11-24 12:00:00 UTC
DIGEST = "d" * 64
MINUTE_MS = 60_000
OPENED, CONTINUING, CONFIRMED = ViolationPhase.OPENED, ViolationPhase.CONTINUING, ViolationPhase.CONFIRMED
ENDED, NOT_CONFIRMED = ViolationPhase.ENDED, ViolationPhase.NOT_CONFIRMED

_PROMISES: dict[ObjectiveName, dict[str, Any]] = {
    ObjectiveName.P95_LATENCY_MS: {
        "type": ViolationType.RESPONSE_TIME, "severity": Severity.HIGH, "current_value": 3200.0, "threshold": 2500.0,
        "unit": "ms", "impact": "User experience degradation",
    },
    ObjectiveName.AVAILABILITY: {
        "type": ViolationType.AVAILABILITY, "severity": Severity.CRITICAL, "current_value": 0.93, "threshold": 0.995,
        "unit": "ratio", "impact": "Service unavailable to users",
    },
    ObjectiveName.QUALITY_SCORE: {
        "type": ViolationType.QUALITY, "severity": Severity.MEDIUM, "current_value": 0.61, "threshold": 0.8,
        "unit": "score", "impact": "Poor response quality affecting user satisfaction",
    },
}  # fmt: skip


def policy(*routes: dict[str, Any]) -> Policy:
    """Return a policy with channels slack and pagerduty and these routes (default: everything to slack)."""
    return Policy.model_validate(
        {
            "version": 1,
            "channels": [{"name": "slack", "kind": "slack"}, {"name": "pagerduty", "kind": "pagerduty"}],
            "routes": list(routes) or [{"name": "all", "channels": ["slack"]}],
        },
    )


def violation_id(
    objective: ObjectiveName, window: str, began: int, *, tenant: str = "default", service: str = "search"
) -> str:
    """Return an id as slo derives it."""
    return derived_id(tenant, service, objective, window, began)


@dataclass(frozen=True)
class At:
    """A point on the timeline, in seconds after its start."""

    seconds: int

    @property
    def ms(self) -> int:
        return START_MS + self.seconds * 1000

    def violation(
        self,
        phase: ViolationPhase = OPENED,
        objective: ObjectiveName = ObjectiveName.P95_LATENCY_MS,
        *,
        service: str = "search",
        window: Literal["1m", "5m", "30m"] = "5m",
        began: int = 0,
        **overrides: Any,
    ) -> Signal:
        """Say something about the violation of a window that began ``began`` seconds after the start."""
        size_ms = {"1m": MINUTE_MS, "5m": 5 * MINUTE_MS, "30m": 30 * MINUTE_MS}[window]
        promise = {**_PROMISES[objective], **overrides}
        tenant = promise.pop("tenant", "default")
        name = violation_id(objective, window, began, tenant=tenant, service=service)
        body = Violation(
            id=derived_id(name, phase, self.ms), at_ms=self.ms, service=service, tenant=tenant,
            violation_id=name, phase=phase, confirmed=promise.pop("confirmed", phase not in (OPENED, NOT_CONFIRMED)), objective=objective,
            window=WindowRef(start_ms=START_MS, size_ms=size_ms),
            opened_window=WindowRef(start_ms=START_MS + began * 1000, size_ms=size_ms),
            samples=240, revision=7, policy_digest=DIGEST, **promise,
        )  # fmt: skip
        return Signal(
            id=body.id, at_ms=self.ms, service=service, tenant=body.tenant, kind="violation", violation=body,
        )  # fmt: skip

    def pipeline(
        self, phase: Literal["opened", "ended"], partition: int = 3, *, since: int = 0, reporter: int = 0
    ) -> Signal:
        """Say something about a silent source partition; several slo workers may report the same one."""
        subject = f"silent_partition:rag.query-events/{partition}"
        health = PipelineHealth(
            id=derived_id(subject, since, phase, reporter), at_ms=self.ms, subject=subject, phase=phase,
            since_ms=START_MS + since * 1000,
            message=f"No sign of life from the owner of rag.query-events/{partition}",
        )  # fmt: skip
        return Signal(id=health.id, at_ms=self.ms, kind="pipeline_health", pipeline_health=health)

    def tick(self) -> Signal:
        """Say what time it is."""
        return Signal(id=derived_id("tick", self.ms), at_ms=self.ms, kind="tick")


def at(seconds: int) -> At:
    """Begin one line of a timeline."""
    return At(seconds)


def run(signals: Iterable[Signal], rules: Policy | None = None, book: AlertBook | None = None) -> list[Outcome]:
    """Step a book through signals at offsets 0, 1, 2, … (or behind the book's last)."""
    book, rules = book or AlertBook(), rules or policy()
    return [book.step(signal, book.offset + 1, rules, DIGEST) for signal in signals]


def alerts(outcomes: Iterable[Outcome]) -> list[Alert]:
    """Return the transitions, in order."""
    return [alert for outcome in outcomes for alert in outcome.transitions]


def messages(outcomes: Iterable[Outcome]) -> list[Notification]:
    """Return the notifications, in order."""
    return [message for outcome in outcomes for message in outcome.notifications]
