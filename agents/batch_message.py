"""A record batch on its way from the reader, through Faust, to the agent."""

from collections.abc import Callable
from dataclasses import dataclass

from faust.types import TP
from faust.types.tuples import ConsumerMessage

from ragpulse.agents.record_batch import RecordBatch


@dataclass(frozen=True, slots=True)
class Fetched:
    """One batch as the reader hands it over. It is stale once its partition has been sought more often than ``seeks``."""

    batch: RecordBatch
    seeks: int

    @property
    def tp(self) -> TP:
        """Return the partition."""
        return TP(self.batch.topic, self.batch.partition)


class BatchMessage(ConsumerMessage):
    """A batch in Faust's clothes. The stream skips it if it has become stale on its way."""

    __slots__ = ("_generation",)

    def __init__(self, fetched: Fetched, generation: Callable[[], int | None]) -> None:
        self._generation = generation
        batch = fetched.batch
        super().__init__(
            topic=batch.topic,
            partition=batch.partition,
            offset=batch.offsets[-1],
            timestamp=batch.timestamps_ms[-1] / 1000,
            timestamp_type=0,
            headers=None,
            key=None,
            value=batch,  # type: ignore[arg-type]  # bytes in stock Faust
            checksum=None,
            tp=fetched.tp,
        )

    @property
    def generation_id(self) -> int | None:
        """Return the group's generation, None if stale. The stream compares it as it hands the message to the agent."""
        return self._generation()

    @generation_id.setter
    def generation_id(self, value: int | None) -> None:
        """Faust's constructor sets it; what counts is the present."""
