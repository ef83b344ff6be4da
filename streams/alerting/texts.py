"""What people read. Built from numbers, names of the contract and labels, and from nothing else of an event."""

from datetime import UTC, datetime
from typing import Final

from ragpulse.schemas.policy import WINDOW_NAMES
from ragpulse.streams.alerting.cause import Cause, Measurement
from ragpulse.streams.alerting.life_cycle import RESOLVING, OpenAlert, Reason
from ragpulse.streams.sla.kinds import KINDS

_UNITS: Final = {"": "", "ratio": "", "score": "", "percent": " %"}
_WINDOWS: Final = {size_ms: name for name, size_ms in WINDOW_NAMES.items()}


def title(cause: Cause, reason: Reason) -> str:
    """Return one line: how bad, what, where."""
    if cause.measurement is None:
        return f"{_head(cause, reason)}: ragpulse about itself: {label(cause.subject)}"
    measured, promised = cause.measurement, _promise(cause.measurement)
    subject = f"{_head(cause, reason)}: {KINDS[measured.objective].words} of {_place(cause)}"
    if reason is Reason.NOT_CONFIRMED:
        return f"{subject} kept its promise of {promised}"
    value = "" if measured.current_value is None else f" is {amount(measured.current_value, measured.unit)}"
    return f"{subject}{value}, promised {promised}"


def summary(cause: Cause, reason: Reason) -> str:
    """Return one sentence with the figures."""
    if cause.measurement is None:
        return cause.message
    measured = cause.measurement
    window = f"the {_WINDOWS.get(measured.window.size_ms, f'{measured.window.size_ms} ms')} window"
    found = "had nothing to judge"
    if measured.current_value is not None:
        found = f"was {amount(measured.current_value, measured.unit)} over {measured.samples} samples"
    figures = (
        f"In {window} from {moment(measured.window.start_ms)} {KINDS[measured.objective].words} {found}; "
        f"promised is {_promise(measured)}."
    )
    if reason is Reason.NOT_CONFIRMED:
        return f"An early verdict is withdrawn now that every event of its window is counted. {figures}"
    return figures


def body(cause: Cause, reason: Reason, alert: OpenAlert) -> str:
    """Return the whole message, one fact a line."""
    facts = [summary(cause, reason), f"Impact: {cause.impact}", f"Severity: {alert.severity}"]
    if cause.service is not None:
        facts += [f"Service: {label(cause.service)}", f"Tenant: {label(cause.tenant or 'default')}"]
    return "\n".join([*facts, f"Since: {moment(alert.started_at_ms)}", f"Alert: {alert.alert_id}"])


def label(value: str) -> str:
    """Return a label fit for any receiver: what could be mark-up, a mention or a control character becomes ``_``."""
    return "".join(one if one.isalnum() or one in "._:/- " else "_" for one in value)


def amount(value: float, unit: str) -> str:
    """Return a figure with its unit."""
    return f"{value:.6g}{_UNITS.get(unit, f' {unit}')}"


def moment(at_ms: int) -> str:
    """Return a time of event or append, UTC."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _head(cause: Cause, reason: Reason) -> str:
    if reason is Reason.NOT_CONFIRMED:
        return "Withdrawn"
    return "Resolved" if reason in RESOLVING else cause.severity.capitalize()


def _place(cause: Cause) -> str:
    service, tenant = label(cause.service or "?"), cause.tenant or "default"
    return service if tenant == "default" else f"{service} ({label(tenant)})"


def _promise(measured: Measurement) -> str:
    return f"{KINDS[measured.objective].bound} {amount(measured.threshold, measured.unit)}"
