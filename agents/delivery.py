"""Notify: hands each notification to its channel, again and again with pauses, and says what became of it."""

from collections.abc import Callable
from random import random

from ragpulse.agents.clock import Clock
from ragpulse.agents.notifier import Attempt, Notifier, Verdict
from ragpulse.agents.settings import NotifySettings
from ragpulse.schemas.alert import Delivery, DeliveryOutcome, Notification
from ragpulse.schemas.identity import derived_id

LONGEST_PAUSE_SECONDS = 60.0
_OUTCOMES = {Verdict.DELIVERED: DeliveryOutcome.DELIVERED, Verdict.NOT_CONFIGURED: DeliveryOutcome.NOT_CONFIGURED}


async def deliver(
    notification: Notification,
    notifier: Notifier,
    clock: Clock,
    settings: NotifySettings,
    lot: Callable[[], float] = random,
) -> Delivery:
    """Return what became of a notification, after as many attempts as the settings allow.

    Args:
        notification: The message.
        notifier: Tries once.
        clock: Waits between attempts, and tells when it was over.
        settings: Attempts, and the first pause in seconds; each further pause is twice as long.
        lot: Draws from [0, 1): pauses differ, so that a receiver that recovers is not met by all at once.

    """
    attempts = 1
    result = await notifier.notify(notification)
    while result.verdict is Verdict.RETRY and attempts < settings.attempts:
        pause = min(LONGEST_PAUSE_SECONDS, settings.backoff_seconds * 2 ** (attempts - 1))
        await clock.sleep(pause * (0.5 + lot() / 2))
        attempts += 1
        result = await notifier.notify(notification)
    return _delivery(notification, result, attempts, clock.now_ms())


def _delivery(notification: Notification, result: Attempt, attempts: int, finished_at_ms: int) -> Delivery:
    outcome = _OUTCOMES.get(result.verdict, DeliveryOutcome.FAILED)
    return Delivery(
        id=derived_id(notification.id, outcome),
        at_ms=notification.at_ms,
        service=notification.service,
        tenant=notification.tenant,
        notification_id=notification.id,
        alert_id=notification.alert_id,
        channel=notification.channel,
        outcome=outcome,
        attempts=0 if outcome is DeliveryOutcome.NOT_CONFIGURED else attempts,
        detail=result.detail,
        finished_at_ms=finished_at_ms,
    )
