"""Attempts, pauses, and what is written of a delivery."""

from collections.abc import Sequence

import pytest

from notifications import NOW_MS, StandingClock, notification
from ragpulse.agents.delivery import deliver
from ragpulse.agents.notifier import Attempt, Verdict
from ragpulse.agents.settings import NotifySettings
from ragpulse.schemas.alert import Delivery, DeliveryOutcome, Notification
from ragpulse.schemas.identity import derived_id

RETRY, DELIVERED = Attempt(Verdict.RETRY, "the receiver answered HTTP 500"), Attempt(Verdict.DELIVERED)


class Script:
    """A notifier whose attempts come out as written."""

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        self._attempts = list(attempts)

    async def notify(self, notification: Notification) -> Attempt:  # noqa: ARG002 -- the port's signature
        return self._attempts.pop(0)

    def close(self) -> None:
        """Have nothing to close."""


async def delivered(attempts: Sequence[Attempt], clock: StandingClock | None = None, lot: float = 0.0) -> Delivery:
    settings = NotifySettings(attempts=4, backoff_seconds=1.0)
    return await deliver(notification(), Script(attempts), clock or StandingClock(), settings, lambda: lot)


async def test_a_delivery_says_what_became_of_which_notification() -> None:
    message = notification()

    assert await delivered([RETRY, DELIVERED]) == Delivery(
        id=derived_id(message.id, "delivered"),
        at_ms=message.at_ms,
        service="search",
        tenant="default",
        notification_id=message.id,
        alert_id=message.alert_id,
        channel="hook",
        outcome=DeliveryOutcome.DELIVERED,
        attempts=2,
        detail="",
        finished_at_ms=NOW_MS,
    )


@pytest.mark.parametrize(
    ("attempts", "outcome", "count"),
    [
        ([DELIVERED], DeliveryOutcome.DELIVERED, 1),
        ([RETRY, RETRY, RETRY, DELIVERED], DeliveryOutcome.DELIVERED, 4),
        ([RETRY] * 4, DeliveryOutcome.FAILED, 4),
        ([Attempt(Verdict.GIVE_UP, "no use")], DeliveryOutcome.FAILED, 1),
        ([RETRY, Attempt(Verdict.GIVE_UP, "no use")], DeliveryOutcome.FAILED, 2),
        ([Attempt(Verdict.NOT_CONFIGURED)], DeliveryOutcome.NOT_CONFIGURED, 0),
    ],
)
async def test_another_attempt_is_made_where_it_can_help(
    attempts: list[Attempt], outcome: DeliveryOutcome, count: int
) -> None:
    delivery = await delivered(attempts)

    assert (delivery.outcome, delivery.attempts) == (outcome, count)


@pytest.mark.parametrize(("lot", "pauses"), [(0.0, [0.5, 1.0, 2.0]), (1.0, [1.0, 2.0, 4.0])])
async def test_pauses_double_and_differ_by_lot(lot: float, pauses: list[float]) -> None:
    clock = StandingClock()

    await delivered([RETRY] * 4, clock, lot)

    assert clock.pauses == pauses


async def test_no_pause_is_longer_than_a_minute() -> None:
    clock, settings = StandingClock(), NotifySettings(attempts=20, backoff_seconds=10)

    await deliver(notification(), Script([RETRY] * 20), clock, settings, lambda: 1.0)

    assert max(clock.pauses) == 60.0
