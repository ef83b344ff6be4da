"""What leaves alerting: the transition of an alert, and one notification a channel that is told of it."""

from dataclasses import dataclass

from ragpulse.schemas.alert import Alert, AlertState, Notification, Why
from ragpulse.schemas.identity import derived_id
from ragpulse.streams.alerting.cause import Cause, Stage
from ragpulse.streams.alerting.life_cycle import RESOLVING, OpenAlert, Reason
from ragpulse.streams.alerting.texts import summary, title


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in the log of signals a transition stems from, and under which policy."""

    signal_id: str
    offset: int
    at_ms: int
    policy_digest: str


def transition(alert: OpenAlert, cause: Cause, reason: Reason, moment: Moment) -> Alert:
    """Return the record for `rag.alerts`. ``alert`` is the alert that fires, or fired until now."""
    resolved = reason in RESOLVING
    state = AlertState.RESOLVED if resolved else AlertState.FIRING
    measured = cause.measurement
    return Alert(
        id=derived_id(alert.alert_id, state, moment.offset),
        at_ms=moment.at_ms,
        service=cause.service,
        tenant=cause.tenant,
        alert_id=alert.alert_id,
        fingerprint=alert.fingerprint,
        state=state,
        previous_state=AlertState.FIRING if resolved else None,
        severity=alert.severity,
        type=cause.type,
        title=title(cause, reason),
        summary=summary(cause, reason),
        impact=cause.impact,
        current_value=measured.current_value if measured else None,
        threshold=measured.threshold if measured else None,
        unit=measured.unit if measured else None,
        window_size_ms=measured.window.size_ms if measured else None,
        started_at_ms=alert.started_at_ms,
        # Windows of different sizes tell the time of different events: an alert never ends before it began.
        resolved_at_ms=max(moment.at_ms, alert.started_at_ms) if resolved else None,
        causes=[cause.id] if measured else [cause.subject],
        confirmed=(alert.confirmed or cause.stage >= Stage.CONFIRMED) if measured else None,
        signal_offset=moment.offset,
        policy_digest=moment.policy_digest,
        why=Why(signal_id=moment.signal_id, reason=reason, route=alert.route),
    )


def notifications(alert: Alert, text: str, channels: tuple[str, ...]) -> tuple[Notification, ...]:
    """Return one message a channel for a transition."""
    return tuple(
        Notification(
            id=derived_id(alert.id, channel),
            at_ms=alert.at_ms,
            service=alert.service,
            tenant=alert.tenant,
            alert_id=alert.alert_id,
            transition_id=alert.id,
            channel=channel,
            state=alert.state,
            severity=alert.severity,
            title=alert.title,
            body=text,
            signal_offset=alert.signal_offset,
        )
        for channel in channels
    )
