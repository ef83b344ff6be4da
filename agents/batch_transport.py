"""Faust transport `batch://`: all records fetched for a partition are one message, and only marks are committed.

Stock Faust spends about 120 µs on each event (a task, a lock, a queue hop); here it spends that on each fetch. The agent
stays an ordinary one, ``async for batch in stream``; the app is a `BatchApp`, its topics need `BatchSchema`. Faust's acknowledgements
are switched off: it lists every offset of a gap, can commit past unprocessed messages, and takes a failed commit for done.

An *epoch* begins with each revocation and with each assignment. It opens for reading once the app's
``await on_assigned_before_read(partitions, epoch)`` has returned, which is cancelled if the epoch ends before; batches,
marks and seeks of another epoch have no effect. The app's ``on_revoked_at_once(partitions)`` is called, not awaited, the
moment partitions are lost. Both may be left out.

One slow agent holds up the others of its app: a full stream stops the one reader, so that memory stays bounded.
"""

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from functools import partial
from typing import Any, Final

from aiokafka.errors import ConsumerStoppedError, KafkaTimeoutError
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from ragpulse.agents import unacknowledged
from ragpulse.agents.batch_message import BatchMessage, Fetched
from ragpulse.agents.batch_reader import BatchReader
from ragpulse.agents.faust_settings import BatchApp
from ragpulse.agents.fencing import beat_or_die
from ragpulse.agents.offset_marks import Mark, OffsetMarks
from ragpulse.schemas.errors import StuckError

SCHEME: Final = "batch"
_POLL_SECONDS: Final = 1.0


class Consumer(unacknowledged.Consumer):
    """Reads batches, commits marks. Its methods belong to the main thread's event loop."""

    app: BatchApp
    _thread: BatchReader

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answer_seconds: float = self.app.conf.broker_request_timeout
        self.epoch = 0
        self.reading_epoch: int | None = None  # the reader hands over nothing else
        self._generation = -1
        self._marks = OffsetMarks()
        self._committing = asyncio.Lock()
        self._opened = asyncio.Event()
        self._preparation: asyncio.Future[None] | None = None

    def _new_consumer_thread(self) -> BatchReader:
        return BatchReader(self, loop=self.loop, beacon=self.beacon)

    # Marks and commits

    @property
    def confirmed(self) -> Mapping[TP, int]:
        """Return the offsets that the broker is known to hold for partitions of this epoch."""
        return self._marks.committed

    def mark(self, tp: TP, offset: int, metadata: str, epoch: int) -> bool:
        """Let everything below ``offset`` be committed, with ``metadata`` (up to 4096 bytes).

        Returns False, and changes nothing, for another epoch, a partition that is not assigned, or a mark that moves back.

        Raises:
            ValueError: metadata too long, or a negative offset.

        """
        if epoch != self.epoch or tp not in self.assignment():
            return False
        return self._marks.mark(tp, Mark(offset, metadata))

    async def commit_marks(self) -> dict[TP, int]:
        """Commit what is marked and return what the broker confirmed, all of it or nothing.

        Nothing was confirmed if the epoch ended meanwhile. Marks that a rebalance has overtaken are dropped.

        Raises:
            StuckError: no confirmation within the request timeout.
            KafkaError: the broker refused, and would refuse again.

        """
        beat_or_die()
        async with self._committing:
            epoch, marks = self.epoch, self._marks.pending()
            if not marks:
                return {}
            done = await self._ask("commit", self._thread.commit_marks(marks, self._generation))
            if epoch != self.epoch:
                return {}
            if not done:
                self._marks.drop_pending()
                return {}
            self._marks.confirm(marks)
            return {tp: mark.offset for tp, mark in marks.items()}

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002  # Faust's
        """Commit the marks: what Faust does at its commit interval and when it stops."""
        return bool(await self.commit_marks())

    async def wait_empty(self) -> None:
        """Commit the marks. What the agents still hold is read again from there."""
        await self.commit_marks()

    # What the broker knows

    async def committed(self, tps: Collection[TP]) -> dict[TP, tuple[int, str] | None]:
        """Return offset and metadata that the group's coordinator holds, None where nothing was ever committed.

        Raises:
            StuckError: no answer within the request timeout.

        """
        async with self._committing:
            epoch = self.epoch
            found = await self._ask("read the commits", self._thread.committed(tps))
            if epoch == self.epoch:
                self._marks.learn({tp: offset for tp, (offset, _) in found.items()}, tps)
        return {tp: found.get(tp) for tp in tps}

    async def log_starts(self, tps: Collection[TP]) -> dict[TP, int]:
        """Return the first offset that is still in each log. Raises StuckError as `committed` does."""
        return dict(await self._ask("read the log starts", self._thread.log_bounds(tps, end=False)))

    async def log_ends(self, tps: Collection[TP]) -> dict[TP, int]:
        """Return the last stable offset of each log. Raises StuckError as `committed` does."""
        return dict(await self._ask("read the log ends", self._thread.log_bounds(tps, end=True)))

    async def _ask(self, purpose: str, answer: Coroutine[Any, Any, Any]) -> Any:
        try:
            async with asyncio.timeout(self.answer_seconds):
                return await self._thread.run(answer)
        except (TimeoutError, KafkaTimeoutError) as error:
            message = (
                f"The broker did not answer within {self.answer_seconds:g} s (to {purpose}): "
                "this worker ends and starts again at its last commit."
            )
            raise StuckError(message) from error

    # Reading

    def position(self, tp: TP) -> int | None:  # type: ignore[override]  # known without asking
        """Return the offset that is read next; None where it is not known (yet)."""
        return self._thread.read_position(tp)

    def at_end(self, tp: TP) -> bool:
        """Return whether everything readable was read. What was read may still be on its way to the agent."""
        position, end = self.position(tp), self._thread.log_end(tp)
        return position is not None and end is not None and position >= end

    async def seek_to(self, tp: TP, offset: int) -> bool:
        """Read on from ``offset``; nothing fetched before reaches the agent. False if the epoch ended meanwhile."""
        return bool(await self._ask("seek", self._thread.seek_to_positions({tp: offset}, self.epoch)))

    def _current_generation(self, fetched: Fetched) -> int | None:
        """Return the group's generation if the batch may still be handed to the agent, else None."""
        stale = fetched.batch.epoch != self.reading_epoch or fetched.seeks != self._thread.seeks[fetched.tp]
        return None if stale else self.app.consumer_generation_id

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                await self._deliver(await self._read())
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    async def _read(self) -> list[Fetched]:
        if await self._stopped_before(self.can_resume_flow) or await self._stopped_before(self._opened):
            return []
        epoch = self.reading_epoch
        if epoch is None or not self.flow_active:
            return []
        fetched: list[Fetched] = await self._thread.run(self._thread.read(epoch, _POLL_SECONDS))
        return fetched

    async def _stopped_before(self, event: asyncio.Event) -> bool:
        return not event.is_set() and await self.wait_for_stopped(event.wait())

    async def _deliver(self, fetched: list[Fetched]) -> None:
        for each in fetched:
            if self._current_generation(each) is not None:
                message = BatchMessage(each, partial(self._current_generation, each))
                await self.wait_first(self.callback(message), self.suspend_flow.wait())

    # Epochs

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """End the epoch before anything else."""
        if self.app.should_stop:  # Faust would close the client from the wrong thread
            return
        self._begin_epoch(-1)
        try:
            if self.app.on_revoked_at_once is not None:
                self.app.on_revoked_at_once(revoked)
        except BaseException as error:  # aiokafka would log it and go on
            await self.crash(error)
            raise
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin an epoch, and prepare it beside the rebalance: no heartbeat is sent until this returns."""
        if self.app.should_stop:
            return
        epoch = self._begin_epoch(generation_id)
        await super().on_partitions_assigned(assigned, generation_id)
        self._preparation = self.add_future(self._prepare(assigned, epoch))

    def _begin_epoch(self, generation: int) -> int:
        self.reading_epoch = None
        self.epoch += 1
        self._generation = generation
        self._opened.clear()
        self._marks.begin_epoch()
        if self._preparation is not None:
            self._preparation.cancel()
        return self.epoch

    async def _prepare(self, assigned: set[TP], epoch: int) -> None:
        """Stand at the commits, let the role take over, then open for reading."""
        commits = {tp: found[0] for tp, found in (await self.committed(assigned)).items() if found is not None}
        await self._ask("seek", self._thread.seek_to_positions(commits, epoch))
        if self.app.on_assigned_before_read is not None:
            await self.app.on_assigned_before_read(assigned, epoch)
        if epoch == self.epoch:
            self.reading_epoch = epoch
            self._opened.set()


class Transport(driver.Transport):
    """aiokafka underneath, batches on top."""

    Consumer = Consumer
    Conductor = unacknowledged.Conductor


TRANSPORTS.aliases[SCHEME] = f"{Transport.__module__}:{Transport.__qualname__}"
