"""Outbox: what one step writes, in order, each record with its topic and key."""

from typing import NamedTuple

from ragpulse.schemas.outgoing import OutgoingEvent
from ragpulse.schemas.signal import PipelineHealth, Signal
from ragpulse.schemas.sla import SlaCompliance, Violation
from ragpulse.schemas.window import Window
from ragpulse.streams import topology
from ragpulse.streams.alerting.cause import PIPELINE_HEALTH
from ragpulse.streams.alerting.fingerprint import fingerprint


class Output(NamedTuple):
    """One record to write. ``topic`` is without the prefix of the settings."""

    topic: str
    key: str
    event: OutgoingEvent


class Outbox:
    """The records of one step."""

    def __init__(self, revision: int, policy_digest: str) -> None:
        self.revision = revision  # offset of the flush that the step reflects
        self.policy_digest = policy_digest  # of the policy that its verdicts are judged by
        self.outputs: list[Output] = []

    def window(self, window: Window) -> None:
        """Write a final window or a revision."""
        self.outputs.append(Output(topology.WINDOWS.name, _key(window), window))

    def verdict(self, verdict: SlaCompliance) -> None:
        """Write a verdict."""
        self.outputs.append(Output(topology.SLA_COMPLIANCE.name, _key(verdict), verdict))

    def violation(self, violation: Violation) -> None:
        """Write a step of a violation, and the signal that alerting follows."""
        self.outputs.append(Output(topology.VIOLATIONS.name, _key(violation), violation))
        cause = fingerprint(violation.type, violation.tenant, violation.service, violation.objective)
        signal = Signal(
            id=violation.id,
            at_ms=violation.at_ms,
            service=violation.service,
            tenant=violation.tenant,
            kind="violation",
            violation=violation,
        )
        self.outputs.append(Output(topology.SIGNALS.name, cause, signal))

    def health(self, health: PipelineHealth) -> None:
        """Write what ragpulse says about itself."""
        signal = Signal(id=health.id, at_ms=health.at_ms, kind=PIPELINE_HEALTH, pipeline_health=health)
        cause = fingerprint(PIPELINE_HEALTH, None, None, health.subject)
        self.outputs.append(Output(topology.SIGNALS.name, cause, signal))


def _key(event: OutgoingEvent) -> str:
    return f"{event.tenant},{event.service}"
