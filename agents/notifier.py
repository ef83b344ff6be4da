"""Sending one message to one channel: the port, and what may come of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ragpulse.schemas.alert import Notification


class Verdict(StrEnum):
    """What one attempt came to, and whether another can help."""

    DELIVERED = "delivered"  # the receiver has it
    RETRY = "retry"
    GIVE_UP = "give_up"
    NOT_CONFIGURED = "not_configured"  # the channel has no URL


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. ``detail`` is for people and holds no address, token or text of the message."""

    verdict: Verdict
    detail: str = ""


class Notifier(Protocol):
    """Knows the channels. An attempt that fails is a value; nothing is raised."""

    async def notify(self, notification: Notification) -> Attempt:
        """Try once to hand the message to its channel, within the notifier's own deadline."""

    def close(self) -> None:
        """Let go of threads and of the log filters. What is under way is not waited for; a later attempt never ends."""
