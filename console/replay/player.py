"""Sends scheduled events when they are due."""

import time
from collections.abc import Callable, Iterable
from threading import Event
from typing import Protocol

from ragpulse.schemas.query_event import QueryEvent


class Sender(Protocol):
    """Where events go: a `ragpulse.client.Client`."""

    def send(self, event: QueryEvent) -> None:
        """Take one event."""


def _ignore(_: QueryEvent) -> None:
    pass


def play(
    scheduled: Iterable[tuple[float, QueryEvent]],
    sender: Sender,
    *,
    stop: Event | None = None,
    on_sent: Callable[[QueryEvent], None] = _ignore,
) -> int:
    """Send each event when it is due, stamped with the time of sending; return how many were sent.

    Blocks until the end or until ``stop`` is set: in an event loop, run it in a thread (`asyncio.to_thread`). Where the
    sender is slower than the schedule, events are sent late and without gaps, none is left out.

    Raises:
        BufferFullError, DeliveryError: see `ragpulse.client.Client.send`.

    """
    stopped = stop or Event()
    start = time.monotonic()
    sent = 0
    for due_seconds, event in scheduled:
        if stopped.wait(max(0.0, start + due_seconds - time.monotonic())):
            break
        event.occurred_at_ms = time.time_ns() // 1_000_000
        sender.send(event)
        sent += 1
        on_sent(event)
    return sent
