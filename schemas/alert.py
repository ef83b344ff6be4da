"""Alerts (`rag.alerts`), notifications (`rag.notifications`) and deliveries (`rag.deliveries`)."""

from enum import StrEnum

from ragpulse.schemas.outgoing import Contract, OutgoingEvent
from ragpulse.schemas.sla import Severity


class AlertState(StrEnum):
    """State after a transition. Pending, acknowledged and suppressed come with the whole life cycle."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Why(Contract):
    """Why a transition happened: which signal, and which rule and route decided."""

    signal_id: str
    reason: str  # closed list: ragpulse.streams.alerting.life_cycle.Reason
    route: str | None = None  # None: no route of the policy fits, nobody is told


class Alert(OutgoingEvent):
    """One transition of one alert: what subscribers of `rag.alerts` receive. Identity: alert_id, state, signal_offset.

    ``alert_id`` is derived from the fingerprint and the violation that opened it; ``fingerprint`` from what is wrong
    (type, tenant, service, objective; never the window), so one cause is one alert.
    """

    alert_id: str
    fingerprint: str
    state: AlertState
    previous_state: AlertState | None
    severity: Severity
    type: str
    title: str
    summary: str
    impact: str
    current_value: float | None
    threshold: float | None
    unit: str | None
    window_size_ms: int | None
    started_at_ms: int
    resolved_at_ms: int | None
    causes: list[
        str
    ]  # ids of the violations that began or ended with this transition, or the subject of a pipeline alert
    confirmed: bool | None
    signal_offset: int  # offset, in rag.signals, that this transition stems from
    policy_digest: str
    why: Why


class Notification(OutgoingEvent):
    """One message to one channel: the outbox. Identity: transition id, channel. A receiver may drop repeats by ``id``."""

    alert_id: str
    transition_id: str
    channel: str
    state: AlertState
    severity: Severity
    title: str
    body: str
    signal_offset: int


class DeliveryOutcome(StrEnum):
    """What became of one notification."""

    DELIVERED = "delivered"  # the receiver took it
    FAILED = "failed"  # given up: see detail
    NOT_CONFIGURED = "not_configured"  # the channel has no URL


class Delivery(OutgoingEvent):
    """What became of a notification. Identity: notification id, outcome."""

    notification_id: str
    alert_id: str
    channel: str
    outcome: DeliveryOutcome
    attempts: int
    detail: str  # without addresses or tokens
    finished_at_ms: int  # the clock of the notify worker: delivery is no decision, so it may differ between runs
