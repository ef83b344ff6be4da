"""Notifications, a clock that does not wait, and a port nobody listens on."""

import socket
from typing import Any

from ragpulse.schemas.alert import AlertState, Notification
from ragpulse.schemas.identity import derived_id
from ragpulse.schemas.sla import Severity

NOW_MS = 1_763_985_660_000


def notification(channel: str = "hook", **overrides: Any) -> Notification:
    """Return a notification that an alert fires."""
    fields: dict[str, Any] = {
        "id": derived_id("notification", channel),
        "at_ms": 1_763_985_600_000,
        "service": "search",
        "tenant": "default",
        "alert_id": derived_id("alert"),
        "transition_id": derived_id("transition"),
        "channel": channel,
        "state": AlertState.FIRING,
        "severity": Severity.HIGH,
        "title": "High: p95 latency of search is 3200 ms, promised at most 2500 ms",
        "body": "In the 5m window p95 latency was 3200 ms.\nImpact: User experience degradation <b>& \\n",
        "signal_offset": 7,
    }
    return Notification(**{**fields, **overrides})


class StandingClock:
    """A clock that stands still and keeps note of how long it was asked to wait."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def now_ms(self) -> int:
        return NOW_MS

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def closed_port() -> int:
    """Return a loopback port that refuses connections."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
