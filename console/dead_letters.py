"""Rejected events as they lie on `rag.rejected-events`: searched, shown without their content, sent again."""

from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ragpulse.agents.settings import Settings
from ragpulse.client.buffered_producer import BufferedProducer, Record
from ragpulse.client.connection import Connection
from ragpulse.console.record_reader import RecordReader
from ragpulse.schemas.rejected_event import RejectedEvent
from ragpulse.streams.topology import REJECTED_EVENTS

#: Says where a replayed record was rejected, so that a producer can be found.
REPLAY_HEADER: Final = "ragpulse-replay-of"
_WAIT_SECONDS: Final = 60.0
_DELIVERY_SECONDS: Final = 120.0
_BUFFER_RECORDS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rejections are meant; an empty part lets all pass."""

    reasons: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()

    def lets_pass(self, rejected: RejectedEvent) -> bool:
        """Say whether a rejection is meant."""
        return (not self.reasons or rejected.reason in self.reasons) and (not self.ids or rejected.id in self.ids)


def rejected_events(settings: Settings, wanted: Filter) -> Iterator[RejectedEvent]:
    """Yield the rejections that the topic holds now, each once: after a crash a record may be there twice.

    Raises:
        BrokerUnavailableError, CredentialsError, ConfigurationError: see `RecordReader`.
        ContractError: a record is none of this contract.

    """
    seen: set[str] = set()
    with RecordReader(settings, REJECTED_EVENTS) as reader:
        for message in reader.up_to_now():
            rejected = RejectedEvent.from_bytes(message.value() or b"")
            if wanted.lets_pass(rejected) and rejected.id not in seen:
                seen.add(rejected.id)
                yield rejected


def redacted(rejected: RejectedEvent) -> dict[str, Any]:
    """Return a rejection without the content of the record, which may be personal."""
    return rejected.model_dump(mode="json", exclude={"payload_base64", "key_base64"})


def payload(rejected: RejectedEvent) -> bytes | None:
    """Return the original bytes; None where they were not kept."""
    return None if rejected.payload_base64 is None else b64decode(rejected.payload_base64)


def send_again(target: Connection, rejections: Iterable[RejectedEvent]) -> tuple[int, int]:
    """Write original bytes to the topics they came from; return how many were sent and how many had none to send.

    Raises:
        DeliveryError: the broker did not take all of them.

    """
    producer = BufferedProducer(
        target, on_error=None, delivery_timeout_seconds=_DELIVERY_SECONDS, buffer_records=_BUFFER_RECORDS
    )
    sent = without = 0
    try:
        for rejected in rejections:
            value = payload(rejected)
            if not value:
                without += 1
                continue
            producer.put(_record(rejected, value), _WAIT_SECONDS)
            sent += 1
    finally:
        producer.close(None)
    return sent, without


def _record(rejected: RejectedEvent, value: bytes) -> Record:
    key = None if rejected.key_base64 is None else b64decode(rejected.key_base64)
    origin = f"{rejected.topic}/{rejected.partition}/{rejected.offset}"
    return Record(rejected.topic, value, key, [(REPLAY_HEADER, origin.encode())])
