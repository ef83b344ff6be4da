"""Every exception of ragpulse, as a tree, and the exit code each one ends a process with.

::

    RagpulseError
    ├── ContractError            a value that breaks a wire contract (never raised for one bad event: that is a Rejection)
    ├── InvalidEventError        65  the producer SDK was given an event that breaks the contract: it is not sent
    ├── DeliveryError            69  the producer SDK could not hand events over to the broker
    │   └── BufferFullError          its buffer stayed full: the event is not sent
    ├── UsageError               64  the command line asked for something that does not exist
    ├── TooMuchBadInputError     65  the dead-letter limit
    ├── BrokerUnavailableError   69
    ├── StuckError               75  self-fenced, or a send or commit that did not come back: start again
    ├── CredentialsError         77
    └── ConfigurationError       78  settings, policy or topology

Codes follow sysexits.h (BSD), so that supervisors can tell "restart me" (70, 75) from "a person must act" (64, 65, 77, 78).
"""

from collections.abc import Mapping
from types import MappingProxyType


class RagpulseError(Exception):
    """Base of all. Its text is one sentence for a person: what is wrong and what to do next."""

    exit_code = 70


class ContractError(RagpulseError):
    """A record on one of ragpulse's own topics that this version cannot read."""

    exit_code = 78


class UsageError(RagpulseError):
    """The command line names something that does not exist or does not fit together."""

    exit_code = 64


class TooMuchBadInputError(RagpulseError):
    """More rejected records than the dead-letter limit allows."""

    exit_code = 65


class BrokerUnavailableError(RagpulseError):
    """No Kafka broker answered within the deadline."""

    exit_code = 69


class StuckError(RagpulseError):
    """The process may no longer own its partitions, or the broker did not acknowledge: it must end and start again."""

    exit_code = 75


class CredentialsError(RagpulseError):
    """The broker or a channel refused the credentials."""

    exit_code = 77


class ConfigurationError(RagpulseError):
    """Settings, policy file or topics are wrong: the text names file, key, what is wrong and what would be right."""

    exit_code = 78


class InvalidEventError(RagpulseError):
    """An event handed to the producer SDK breaks the contract. Nothing of it was sent."""

    exit_code = 65


class DeliveryError(RagpulseError):
    """Events were not acknowledged. ``failed`` were given up, ``pending`` still waited when the time was over.

    ``reasons`` counts the failed ones by the broker's or librdkafka's words; ``event_ids`` names the first few.
    """

    exit_code = 69

    def __init__(
        self,
        message: str,
        *,
        failed: int = 0,
        pending: int = 0,
        reasons: Mapping[str, int] = MappingProxyType({}),
        event_ids: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.failed = failed
        self.pending = pending
        self.reasons = reasons
        self.event_ids = event_ids


class BufferFullError(DeliveryError):
    """The producer SDK's buffer stayed full for as long as the caller may be held. The event was not taken: try again."""
