"""Sending with the one promise that everything stands on: nothing goes on before the broker has acknowledged.

Sends are collected and awaited together. A send that fails or times out ends the process (75): the records behind it are
re-read from the last commit.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any

from ragpulse.agents.fencing import beat_or_die
from ragpulse.agents.metrics import Meter
from ragpulse.schemas.errors import StuckError


class Outbox:
    """Records on their way to the broker, through the app's producer."""

    def __init__(self, producer: Any, prefix: str, meter: Meter, timeout_seconds: float) -> None:
        self._producer = producer
        self._prefix = prefix
        self._meter = meter
        self._timeout = timeout_seconds
        self._pending: list[Awaitable[Any]] = []
        self._written: Counter[str] = Counter()
        self._awaiting = asyncio.Lock()

    def __len__(self) -> int:
        """Return how many sends wait for their acknowledgement."""
        return len(self._pending)

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        *,
        partition: int | None = None,
        headers: list[tuple[str, bytes]] | None = None,
    ) -> Awaitable[Any]:
        """Hand one record to the producer; return its acknowledgement. ``topic`` is without prefix.

        Raises:
            StuckError: the producer took no record within the timeout.

        """
        beat_or_die()
        try:
            async with asyncio.timeout(self._timeout):
                sent: Awaitable[Any] = await self._producer.send(
                    f"{self._prefix}{topic}", key, value, partition, None, headers
                )
        except Exception as error:  # the producer's own errors and time-outs alike: see StuckError
            raise StuckError(_sentence(topic, error)) from error
        self._pending.append(sent)
        self._written[topic] += 1
        return sent

    async def acknowledged(self) -> None:
        """Wait until all records handed over so far are acknowledged.

        Raises:
            StuckError: one of them failed, or did not come back within the timeout.

        """
        # One at a time: who comes second must also wait for what the first one took.
        async with self._awaiting:
            pending, self._pending = self._pending, []
            written, self._written = self._written, Counter()
            try:
                async with asyncio.timeout(self._timeout):
                    await asyncio.gather(*pending)
            except Exception as error:  # as above
                raise StuckError(_sentence(", ".join(sorted(written)), error)) from error
            for topic, amount in written.items():
                self._meter.count("ragpulse_records_written_total", amount, topic=topic)


def _sentence(topics: str, error: BaseException) -> str:
    cause = f"{type(error).__name__}: {error}"
    return f"The broker did not acknowledge a record for {topics} ({cause}): this worker ends and starts again at its last commit."
