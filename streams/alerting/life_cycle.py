"""The life of one alert: it fires with its first cause and resolves with its last.

::

    nothing ── first cause ──► FIRING ── last cause ended ──► RESOLVED
                                 ├─ a further cause, a cause goes on, one of several ends: it stays
                                 └─ withdrawn before any figure was final ──► RESOLVED (not_confirmed)

Each decision names its reason from a closed list. A reason that is no transition changes nothing that anybody sees.
"""

from enum import StrEnum

import msgspec

from ragpulse.schemas.identity import derived_id
from ragpulse.schemas.sla import Severity
from ragpulse.streams.alerting.cause import Cause, Stage


class Reason(StrEnum):
    """Why an alert changed, or why it did not."""

    FIRST_CAUSE = "first_cause"  # it fires
    LAST_CAUSE_ENDED = "last_cause_ended"  # it resolves
    NOT_CONFIRMED = "not_confirmed"  # it resolves: no cause was ever confirmed by final figures
    FURTHER_CAUSE = "further_cause"  # it fires already
    CAUSE_CONTINUES = "cause_continues"
    CAUSES_REMAIN = "causes_remain"  # one of several ended
    REPEATED = "repeated"  # handled before
    NEVER_BEGAN = "never_began"  # the end of a cause that nobody saw begin
    TIME_ONLY = "time_only"  # a tick


RESOLVING = frozenset({Reason.LAST_CAUSE_ENDED, Reason.NOT_CONFIRMED})
TRANSITIONS = RESOLVING | {Reason.FIRST_CAUSE}
_OVER = (Stage.WITHDRAWN, Stage.ENDED)


class OpenAlert(msgspec.Struct, frozen=True):
    """An alert that fires. Who is told of its end is settled when it fires: only those who were told that it began."""

    alert_id: str
    fingerprint: str
    severity: Severity
    started_at_ms: int
    causes: dict[str, Stage]  # its open causes, in the order they began
    confirmed: bool = False  # one of its causes was, at some time
    route: str | None = None
    told_of_end: tuple[str, ...] = ()


def advance(alert: OpenAlert | None, cause: Cause, at_ms: int, known: Stage | None) -> tuple[OpenAlert | None, Reason]:
    """Return the alert after a signal, and why. None is an alert that does not fire.

    Args:
        alert: The alert with the cause's fingerprint, if it fires.
        cause: What the signal says.
        at_ms: When it says so.
        known: The stage that the cause had reached before, None if it was never heard of.

    """
    if known is not None and cause.stage <= known:
        goes_on = alert is not None and cause.id in alert.causes and cause.stage == known
        return alert, Reason.CAUSE_CONTINUES if goes_on else Reason.REPEATED
    if cause.stage in _OVER:
        return _end(alert, cause)
    if alert is None:
        # Also where the beginning was never seen: a promise that is broken now is reason enough.
        return _fire(cause, at_ms, known), Reason.FIRST_CAUSE
    reason = Reason.CAUSE_CONTINUES if cause.id in alert.causes else Reason.FURTHER_CAUSE
    return _with(alert, {**alert.causes, cause.id: cause.stage}, cause), reason


def _fire(cause: Cause, at_ms: int, known: Stage | None) -> OpenAlert:
    # A cause that comes back after it was withdrawn has fired an alert before.
    again = () if known is None else ("again",)
    return OpenAlert(
        alert_id=derived_id(cause.fingerprint, cause.id, *again),
        fingerprint=cause.fingerprint,
        severity=cause.severity,
        started_at_ms=at_ms,
        causes={cause.id: cause.stage},
        confirmed=cause.stage is Stage.CONFIRMED,
    )


def _end(alert: OpenAlert | None, cause: Cause) -> tuple[OpenAlert | None, Reason]:
    if alert is None or (cause.id not in alert.causes and not cause.ends_all):
        return alert, Reason.NEVER_BEGAN
    remaining = {one: stage for one, stage in alert.causes.items() if one != cause.id and not cause.ends_all}
    if remaining:
        return _with(alert, remaining, cause), Reason.CAUSES_REMAIN
    withdrawn = cause.stage is Stage.WITHDRAWN and not alert.confirmed
    return None, Reason.NOT_CONFIRMED if withdrawn else Reason.LAST_CAUSE_ENDED


def _with(alert: OpenAlert, causes: dict[str, Stage], cause: Cause) -> OpenAlert:
    return msgspec.structs.replace(alert, causes=causes, confirmed=alert.confirmed or cause.stage >= Stage.CONFIRMED)
