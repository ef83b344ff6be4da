"""Do the counts agree? From what a subscriber sees on the topics alone, by distinct id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Counts:
    """Every count of the demo. ``counted``: events in final one-minute windows that do not overlap."""

    produced: int
    accepted: int
    rejected: int
    counted: int
    duplicates: int
    too_late: int
    verdicts: int
    violations: int
    alerts: int
    resolved: int
    notifications: int
    notifications_delivered: int
    notifications_received: int

    def problems(self) -> list[str]:
        """Return each equation that does not hold; empty means reconciled."""
        equations = (
            ("produced = accepted + rejected", self.produced, self.accepted + self.rejected),
            (
                "accepted = counted + duplicates + too late",
                self.accepted,
                self.counted + self.duplicates + self.too_late,
            ),
            ("every alert is resolved", self.alerts, self.resolved),
            ("every notification is delivered", self.notifications, self.notifications_delivered),
            ("every notification arrived", self.notifications, self.notifications_received),
        )
        return [f"{name}: {left} ≠ {right}" for name, left, right in equations if left != right]


def count(records: Mapping[str, Iterable[Mapping[str, Any]]], produced: int, received: int) -> Counts:
    """Count distinct records by topic."""
    segments = list(records["audit"])
    alerts = list(records["alerts"])
    return Counts(
        produced=produced,
        accepted=sum(segment["counts"]["accepted"] for segment in segments),
        rejected=len(list(records["rejected-events"])),
        counted=counted_events(records["windows"]),
        duplicates=sum(segment["counts"]["duplicates"] for segment in segments),
        too_late=sum(segment["counts"]["too_late"] for segment in segments),
        verdicts=len(list(records["sla-compliance"])),
        violations=len({violation["violation_id"] for violation in records["violations"]}),
        alerts=len({alert["alert_id"] for alert in alerts}),
        resolved=len({alert["alert_id"] for alert in alerts if alert["state"] == "resolved"}),
        notifications=len(list(records["notifications"])),
        notifications_delivered=sum(delivery["outcome"] == "delivered" for delivery in records["deliveries"]),
        notifications_received=received,
    )


def counted_events(windows: Iterable[Mapping[str, Any]]) -> int:
    """Return the events in the last revisions of final windows of one minute that begin at a full minute."""
    last: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for window in windows:
        if not window["final"] or window["window_size_ms"] != MINUTE_MS or window["window_start_ms"] % MINUTE_MS:
            continue
        key = (
            window["tenant"],
            window["service"],
            window["operation"],
            window["variant"],
            window["window_start_ms"],
        )
        if key not in last or window["revision"] > last[key]["revision"]:
            last[key] = window
    return sum(window["count"] for window in last.values())
