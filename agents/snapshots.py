"""Snapshots of a role's state beside its input: chunks on a state topic, named by the commit.

A snapshot and the input offset that it reflects are one, because the commit's metadata names the chunks: whoever gets
the partition next reads the commit, loads exactly these chunks and replays from there. A snapshot whose commit failed is
never looked at. After a commit the chunks before it are deleted, so the topic stays as large as one or two snapshots.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import msgspec
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from ragpulse.agents.fencing import beat_or_die
from ragpulse.agents.log_reader import LogReader
from ragpulse.schemas.errors import ContractError, StuckError

VERSION = 1
_HEADER = "snapshot"


class SnapshotName(msgspec.Struct, frozen=True):
    """The commit metadata of a role with state: which chunks hold the state at the committed offset."""

    version: int
    topic_id: str  # of the input topic: offsets of another incarnation mean nothing
    id: str
    first: int
    end: int
    chunks: int


def name_to_metadata(name: SnapshotName) -> str:
    """Return the JSON form."""
    return msgspec.json.encode(name).decode()


def name_from_metadata(metadata: str) -> SnapshotName | None:
    """Read commit metadata; None where there is none.

    Raises:
        ContractError: written by a newer version.

    """
    if not metadata:
        return None
    name = msgspec.json.decode(metadata, type=SnapshotName)
    if name.version > VERSION:
        text = f"The state was written in form {name.version} by a newer ragpulse, this one reads up to {VERSION}: upgrade it."
        raise ContractError(text)
    return name


class SnapshotStore:
    """Saves and loads the chunks of one role."""

    def __init__(self, topic: str, producer: Any, reader: LogReader, timeout_seconds: float) -> None:
        self._topic = topic
        self._producer = producer
        self._reader = reader
        self._timeout = timeout_seconds
        self._admin: Any = AdminClient(dict(reader.config))

    async def save(self, partition: int, topic_id: str, offset: int, chunks: Sequence[bytes]) -> SnapshotName:
        """Write the chunks and wait for their acknowledgement. The name goes into the commit of ``offset``.

        Raises:
            StuckError: a chunk was not acknowledged within the timeout.

        """
        beat_or_die()
        snapshot_id = f"{topic_id}/{partition}/{offset}/{uuid4()}"  # unique: two workers may save one offset
        headers = [(_HEADER, snapshot_id.encode())]
        try:
            async with asyncio.timeout(self._timeout):
                sent = [
                    await self._producer.send(self._topic, None, chunk, partition, None, headers) for chunk in chunks
                ]
                written = [await one for one in sent]
        except Exception as error:  # any failure to write means the same: see Outbox
            cause = type(error).__name__
            text = f"The broker did not acknowledge a snapshot on {self._topic} ({cause}): this worker ends and starts again."
            raise StuckError(text) from error
        offsets = [record.offset for record in written]
        return SnapshotName(VERSION, topic_id, snapshot_id, min(offsets), max(offsets) + 1, len(chunks))

    async def load(self, partition: int, name: SnapshotName) -> list[bytes]:
        """Return the chunks of a snapshot, in order.

        Raises:
            ContractError: a chunk is gone.

        """
        records = await asyncio.to_thread(self._reader.range, self._topic, partition, name.first, name.end)
        # Another worker's chunks may lie between ours: a zombie's, or an orphaned snapshot's.
        chunks = [record.value or b"" for record in records if (_HEADER, name.id.encode()) in record.headers]
        if len(chunks) < name.chunks:
            text = (
                f"{self._topic}/{partition} holds {len(chunks)} of {name.chunks} chunks of the state: it was deleted by hand or by "
                "retention. Reset the consumer group's offsets to rebuild the state from the input topic."
            )
            raise ContractError(text)
        return chunks[: name.chunks]

    async def delete_before(self, partition: int, name: SnapshotName) -> None:
        """Delete what lies before a committed snapshot. Failing only costs space: retention deletes it later."""
        futures = self._admin.delete_records([TopicPartition(self._topic, partition, name.first)])
        await asyncio.gather(*(asyncio.wrap_future(future) for future in futures.values()), return_exceptions=True)
