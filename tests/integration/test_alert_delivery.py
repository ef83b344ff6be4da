"""`kill -9` over alerting and notify while alerts fire and resolve: each transition once, each notification received."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import truth
from final_windows import minutes_ago, send, send_closers
from pipeline import POLICY, pipeline
from ragpulse.console.webhook_receiver import WebhookReceiver
from topic_log import by_id

TOLD = POLICY.replace("channels: []", "channels: [{name: hook, kind: webhook}]").replace(
    "routes: []", "routes: [{name: all, channels: [hook]}]"
)
SERVICES = 5
WAVE_MS, SLOW_MS = 240_000, 80_000
"""Every wave begins slow; what follows is long enough for a window without any slow event."""


def wave(number: int, start_ms: int) -> list[dict[str, Any]]:
    """Return the events of a wave: each service breaches its promise at its beginning and keeps it then."""
    events = truth.events(1_200, seed=40 + number, start_ms=start_ms + number * WAVE_MS, step_ms=200, services=SERVICES)
    return [
        {
            **event,
            "status": "ok",
            "latency_ms": 5_000.0 if event["occurred_at_ms"] < start_ms + number * WAVE_MS + SLOW_MS else 200.0,
        }
        for event in events
    ]


def test_kills_of_alerting_and_notify_lose_no_transition_and_no_notification(kafka: str, tmp_path: Path) -> None:
    start_ms = minutes_ago(30) // 60_000 * 60_000

    with ExitStack() as stack:
        hook = stack.enter_context(WebhookReceiver())
        pipe = stack.enter_context(pipeline(kafka, tmp_path, TOLD, RAGPULSE_CHANNELS__HOOK=hook.apprise_url))
        pipe.start("ingest")
        pipe.start("slo")
        [notify] = pipe.start("notify")
        alerting = pipe.start_faulty("alerting", save_every_seconds="0.05", exit_at_send="notifications/2")
        alerts, violations = (stack.enter_context(closing(pipe.follow(topic))) for topic in ("alerts", "violations"))
        send(pipe, wave(0, start_ms))
        pipe.until(lambda: len(alerting.starts) > 0, 40, "it is gone between a transition and its notification")
        send(pipe, wave(1, start_ms))
        pipe.until(lambda: hook.wait_for(SERVICES + 1, 0.1), 40, "some are told")
        pipe.kill(notify)
        pipe.kill(alerting)
        send(pipe, wave(2, start_ms))
        send_closers(pipe, start_ms + 3 * WAVE_MS + 120_000)
        pipe.until(
            lambda: len(ended(violations.more())) >= 3 * SERVICES and ended(alerts.more()) == ended(violations.records),
            60,
            "every violation has ended and its alert is resolved",
        )
        transitions = by_id(alerts.to_the_end())
        pipe.until(lambda: len(by_id(pipe.read("notifications"))) >= len(transitions), 20, "all are to be told")
        notifications = by_id(pipe.read("notifications"))
        assert hook.wait_for(len(notifications), 20)
        told = {one["id"] for one in notifications}
        pipe.until(lambda: told <= delivered(pipe.read("deliveries")), 20, "what became of each is known")

    assert {("firing", "resolved")} == {tuple(states) for states in lives(transitions)}
    assert Counter(one["id"] for one in transitions) == Counter(one["transition_id"] for one in notifications)
    assert told == {one.key for one in hook.received}


def ended(records: list[dict[str, Any]]) -> set[str]:
    """Return the violations that ended, as told by themselves or by the alerts that resolved with them."""
    over = {"ended", "not_confirmed", "resolved"}
    return {
        cause
        for one in records
        if {one.get("phase"), one.get("state")} & over
        for cause in one.get("causes", [one.get("violation_id")])
    }


def delivered(deliveries: list[dict[str, Any]]) -> set[str]:
    """Return the notifications that were delivered. A repeat has another time, and perhaps another number of attempts."""
    return {one["notification_id"] for one in deliveries if one["outcome"] == "delivered"}


def lives(transitions: list[dict[str, Any]]) -> Iterator[list[str]]:
    """Yield the states of each alert in the order of its signals."""
    alerts: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(transitions, key=lambda one: int(one["signal_offset"])):
        alerts.setdefault(one["alert_id"], []).append(one)
    return ([one["state"] for one in alert] for alert in alerts.values())
