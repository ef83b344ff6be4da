"""Notify: reads rag.notifications, delivers, writes what became of each to rag.deliveries, then commits.

A crash between delivery and commit delivers again under the same notification id: at-least-once, and the receiver can drop
the repeat. Notifications of one alert keep their order on a channel; neither channels nor alerts wait for each other, up to
a number of alerts a channel.
"""

import asyncio
from collections.abc import AsyncIterable, Coroutine, Sequence
from typing import Any

from faust.types import TP

from ragpulse.agents.apprise_notifier import AppriseNotifier
from ragpulse.agents.channels import channel_urls
from ragpulse.agents.clock import SystemClock
from ragpulse.agents.delivery import deliver
from ragpulse.agents.policy_file import channel_warnings
from ragpulse.agents.record_batch import RecordBatch
from ragpulse.agents.role import RoleContext
from ragpulse.schemas.alert import Notification
from ragpulse.streams.topology import DELIVERIES, NOTIFICATIONS

ALERTS_AT_A_TIME = 16  # on one channel


class Notify:
    """The notify role. It keeps no state."""

    reads = NOTIFICATIONS.name

    def __init__(self, context: RoleContext) -> None:
        self._context = context
        self._topic = context.full_name(NOTIFICATIONS.name)
        urls = channel_urls(context.settings)
        for warning in channel_warnings(context.policy, urls):
            context.log.warning(warning)
        self._notifier = AppriseNotifier(urls, context.settings.notify.deadline_seconds)
        for channel, problem in self._notifier.problems.items():
            context.log.error("channel cannot be used", channel=channel, problem=problem)
        self._clock = SystemClock()
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._epoch = -1

    def revoked(self) -> None:
        """Nothing is held: what is under way may be delivered twice."""

    async def assigned(self, partitions: Sequence[int], epoch: int) -> None:  # noqa: ARG002 - nothing to restore
        """Go on at the commits."""
        self._epoch = epoch

    async def consume(self, batches: AsyncIterable[RecordBatch]) -> None:
        """Deliver batch after batch."""
        async for batch in batches:
            await asyncio.gather(*(self._deliver_in_order(each) for each in _in_order(batch.values)))
            await self._context.outbox.acknowledged()
            tp = TP(self._topic, batch.partition)
            if self._context.consumer.mark(tp, batch.offsets[-1] + 1, "", batch.epoch):
                await self._context.consumer.commit_marks()

    async def _deliver_in_order(self, notifications: Sequence[Notification]) -> None:
        # A channel that hangs holds up its own notifications only.
        async with self._slots.setdefault(notifications[0].channel, asyncio.Semaphore(ALERTS_AT_A_TIME)):
            for notification in notifications:
                delivery = await deliver(notification, self._notifier, self._clock, self._context.settings.notify)
                self._context.meter.count("ragpulse_deliveries_total", outcome=delivery.outcome.value)
                await self._context.outbox.send(DELIVERIES.name, delivery.alert_id.encode(), delivery.to_bytes())

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """Return nothing: all happens with a batch."""
        return []

    async def drain(self) -> None:
        """Let go of the channels. A batch under way is delivered again after the next start."""
        self._notifier.close()

    def not_ready(self) -> str | None:
        """Return why notifications are not read yet."""
        return None if self._epoch == self._context.consumer.epoch else "waiting for partitions"


def _in_order(values: Sequence[bytes | None]) -> list[list[Notification]]:
    """Group by alert and channel: what may not overtake each other."""
    found: dict[tuple[str, str], list[Notification]] = {}
    for value in values:
        if value is not None:
            notification = Notification.from_bytes(value)
            found.setdefault((notification.alert_id, notification.channel), []).append(notification)
    return list(found.values())
