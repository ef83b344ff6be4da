"""What every role of the shell has: its context, and the four moments at which the worker calls it."""

import asyncio
from collections.abc import AsyncIterable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ragpulse.agents.log_reader import LogReader
from ragpulse.agents.metrics import Meter
from ragpulse.agents.outbox import Outbox
from ragpulse.agents.record_batch import RecordBatch
from ragpulse.agents.settings import Settings
from ragpulse.agents.topic_watch import TopicWatch
from ragpulse.schemas.policy import Policy


@dataclass(slots=True)
class RoleContext:
    """The world, as a role sees it."""

    settings: Settings
    policy: Policy
    policy_digest: str
    app: Any  # faust.App
    outbox: Outbox
    meter: Meter
    log: Any  # structlog's bound logger
    reader: LogReader
    topic_facts: dict[str, tuple[str, int]]  # topic without prefix -> (topic id, partitions), read at start
    topic_watch: TopicWatch

    @property
    def consumer(self) -> Any:
        """Return the batch transport's consumer (see ragpulse.agents.batch_transport)."""
        return self.app.consumer

    def full_name(self, topic: str) -> str:
        """Return a topic's name on the broker."""
        return f"{self.settings.topic_prefix}{topic}"


class Role(Protocol):
    """One kind of worker. ``reads`` is its input topic, without prefix."""

    reads: str

    async def assigned(self, partitions: Sequence[int], epoch: int) -> None:
        """Take over partitions: called before their first record is delivered; what was held before is void."""

    def revoked(self) -> None:
        """Drop everything held for the old epoch. Must not wait."""

    async def consume(self, batches: AsyncIterable[RecordBatch]) -> None:
        """Read until the stream ends: the agent's body."""

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """Return what runs beside the agent for as long as the worker lives."""

    async def drain(self) -> None:
        """Finish what is in hand and commit it: called once, at SIGTERM, while the app still runs."""

    def not_ready(self) -> str | None:
        """Return why the role is not ready to serve, None if it is."""


async def every(seconds: float, step: Any) -> None:
    """Await ``step()`` again and again, with a pause between."""
    while True:
        await asyncio.sleep(seconds)
        await step()
