"""The only place that asks what time it is. The core is told; the shell asks here, so that tests can tell it too."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Time of day, and waiting."""

    def now_ms(self) -> int:
        """Return epoch milliseconds, UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return epoch milliseconds, UTC."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
