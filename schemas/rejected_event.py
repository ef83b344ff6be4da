"""`rag.rejected-events`: the dead letter. Each record that broke the contract, with reason, field and origin."""

from ragpulse.schemas.outgoing import OutgoingEvent
from ragpulse.schemas.rejection_reason import RejectionReason

__all__ = ["RejectedEvent", "RejectionReason"]


class RejectedEvent(OutgoingEvent):
    """One rejected record. Identity: topic, partition, offset. ``at_ms`` is the record's append time."""

    reason: RejectionReason
    field: str | None  # path such as ``documents[0].id``; null where the record as a whole is at fault
    message: str  # one sentence, at most 300 characters, without the offending value
    topic: str
    partition: int
    offset: int
    size_bytes: int
    payload_base64: str | None  # the original bytes, unless ``dlq.store_payload`` is false
    key_base64: str | None = None
