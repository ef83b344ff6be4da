"""What every event that ragpulse writes has in common."""

from typing import Any, Self

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from ragpulse.schemas.errors import ContractError


class Contract(BaseModel):
    """A frozen value that travels on a topic. Readers ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class OutgoingEvent(Contract):
    """Base of every outgoing event. The same cause gives the same ``id`` and the same bytes."""

    schema_version: int = 1
    id: str
    at_ms: int
    service: str | None = None
    tenant: str | None = None

    def to_bytes(self) -> bytes:
        """Return the JSON form in field order: one value has one form."""
        return orjson.dumps(self.model_dump(mode="json"))

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Read one record of ragpulse's own topics.

        Raises:
            ContractError: not of this contract, or of a newer schema version than this one knows.

        """
        try:
            fields: Any = orjson.loads(value)
            event = cls.model_validate(fields)
        except (orjson.JSONDecodeError, ValidationError) as error:
            message = f"A record is no {cls.__name__}: {error}. Was it written by another program?"
            raise ContractError(message) from error
        newest = cls.model_fields["schema_version"].default
        if event.schema_version > newest:
            message = f"A {cls.__name__} has schema version {event.schema_version}, this ragpulse reads up to {newest}: upgrade it."
            raise ContractError(message)
        return event
