"""Faust's consumer and conductor with their acknowledgements switched off, and all that leans on them."""

from typing import Any

from faust.transport import conductor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP


class Conductor(conductor.Conductor):
    """Routes messages to streams without tracking acknowledgements, whose list would grow for ever."""

    async def _update_indices(self) -> Any:
        topics = await super()._update_indices()
        self._acking_topics.clear()  # in place: the streams hold this very set
        return topics


class Consumer(driver.Consumer):
    """Faust's consumer without the parts that have nothing left to do."""

    async def perform_seek(self) -> None:
        """Do nothing: whoever takes partitions over chooses the positions."""

    def on_buffer_full(self, tp: TP) -> None:
        """Do nothing: a full stream stops the reader. Faust would sleep a second once all partitions are full."""

    def on_buffer_drop(self, tp: TP) -> None:
        """Do nothing: see `on_buffer_full`."""

    async def verify_all_partitions_active(self) -> None:
        """Do nothing: it judges by acknowledgements and would report every idle partition."""
