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
from ragpulse.streams.alerting.cause import Cause, Step


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


class OpenAlert(msgspec.Struct, frozen=True):
    """An alert that fires. Who is told of its end is settled when it fires: only those who were told that it began."""

    alert_id: str
    fingerprint: str
    severity: Severity
    started_at_ms: int
    causes: tuple[str, ...]  # ids of its open causes, in the order they began
    confirmed: bool | None
    route: str | None = None
    told_of_end: tuple[str, ...] = ()


def advance(alert: OpenAlert | None, cause: Cause, at_ms: int, *, is_over: bool) -> tuple[OpenAlert | None, Reason]:
    """Return the alert after a signal, and why. None is an alert that does not fire.

    Args:
        alert: The alert with the cause's fingerprint, if it fires.
        cause: What the signal says.
        at_ms: When it says so.
        is_over: The cause is remembered as ended.

    """
    if is_over:
        return alert, Reason.REPEATED
    if cause.step in (Step.ENDS, Step.WITHDRAWN):
        return _end(alert, cause)
    if alert is None:
        # Also where the beginning was never seen: a promise that is broken now is reason enough.
        return _fire(cause, at_ms), Reason.FIRST_CAUSE
    confirmed = alert.confirmed or cause.confirmed
    if cause.id not in alert.causes:
        joined = msgspec.structs.replace(alert, causes=(*alert.causes, cause.id), confirmed=confirmed)
        return joined, Reason.FURTHER_CAUSE
    reason = Reason.REPEATED if cause.step is Step.BEGINS else Reason.CAUSE_CONTINUES
    return msgspec.structs.replace(alert, confirmed=confirmed), reason


def _fire(cause: Cause, at_ms: int) -> OpenAlert:
    return OpenAlert(
        alert_id=derived_id(cause.fingerprint, cause.id),
        fingerprint=cause.fingerprint,
        severity=cause.severity,
        started_at_ms=at_ms,
        causes=(cause.id,),
        confirmed=cause.confirmed,
    )


def _end(alert: OpenAlert | None, cause: Cause) -> tuple[OpenAlert | None, Reason]:
    if alert is None or (cause.id not in alert.causes and not cause.ends_all):
        return alert, Reason.NEVER_BEGAN
    confirmed = alert.confirmed or cause.confirmed
    remaining = () if cause.ends_all else tuple(one for one in alert.causes if one != cause.id)
    if remaining:
        return msgspec.structs.replace(alert, causes=remaining, confirmed=confirmed), Reason.CAUSES_REMAIN
    withdrawn = cause.step is Step.WITHDRAWN and not confirmed
    return None, Reason.NOT_CONFIRMED if withdrawn else Reason.LAST_CAUSE_ENDED
