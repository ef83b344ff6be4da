"""Topics on the broker: what is there, what is missing, what drifted; creation without ever changing what exists.

Calls block (at most the deadline); workers make them in a thread.
"""

import time
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from ragpulse.agents.kafka_config import LIBRDKAFKA_LOGGER, connection
from ragpulse.agents.settings import Settings
from ragpulse.client.connection import Connection
from ragpulse.schemas.errors import BrokerUnavailableError, CredentialsError, RagpulseError

DEADLINE_SECONDS = 10.0
_SETTLE_SECONDS = 0.05
_CREDENTIALS = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - confluent-kafka's public names for librdkafka's own codes
        KafkaError._SSL,  # noqa: SLF001
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
    }
)


class TopicFacts(NamedTuple):
    """What identifies a topic: re-created, it has another id; extended, another number of partitions."""

    topic_id: str
    partitions: int


@dataclass(frozen=True, slots=True)
class TopicOnBroker:
    """One topic as it stands on the broker."""

    facts: TopicFacts
    replication: int
    config: Mapping[str, str]


class BrokerAdmin:
    """A connection for administration. One is enough for the life of a process; it is thread-safe."""

    def __init__(self, target: Connection, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._target = target
        self._deadline_seconds = deadline_seconds
        self._problems: deque[KafkaError] = deque(maxlen=16)  # an outage may last days
        options: dict[str, Any] = {**target.librdkafka_options(), "error_cb": self._problems.append}
        self._client = AdminClient(options, logger=LIBRDKAFKA_LOGGER)

    @classmethod
    def of(cls, settings: Settings, deadline_seconds: float = DEADLINE_SECONDS) -> "BrokerAdmin":
        """Return one for the cluster of the settings.

        Raises:
            BrokerUnavailableError, ConfigurationError: see `ragpulse.agents.kafka_config.connection`.

        """
        return cls(connection(settings), deadline_seconds)

    def names(self) -> set[str]:
        """Return the names of all topics.

        Raises:
            BrokerUnavailableError: no answer within the deadline.
            CredentialsError: not let in.

        """
        deadline = time.monotonic() + self._deadline_seconds
        while True:
            # Short attempts: a refused password is only told between them, and would else be waited out.
            try:
                found = set(self._client.list_topics(timeout=1.0).topics)
            except KafkaException as error:
                self._client.poll(0)
                self._raise_if_refused()
                if time.monotonic() >= deadline:
                    raise self._translated(error) from error
            else:
                self._problems.clear()
                return found

    def topic_facts(self, names: Collection[str]) -> dict[str, TopicFacts]:
        """Return id and partition count of those topics (full names) that exist.

        Raises:
            BrokerUnavailableError: no answer within the deadline.
            CredentialsError: not let in, or not allowed to describe one of them.

        """
        self.names()
        return {name: _facts(found) for name, found in self._described(names).items()}

    def on_broker(self, names: Collection[str]) -> dict[str, TopicOnBroker]:
        """Return those topics (full names) that exist, with replication and configuration.

        Raises:
            BrokerUnavailableError, CredentialsError: see `topic_facts`.

        """
        self.names()
        described = self._described(names)
        configs = self._configs(described)
        return {
            name: TopicOnBroker(_facts(found), min(len(part.replicas) for part in found.partitions), configs[name])
            for name, found in described.items()
        }

    def create(self, wanted: Iterable[NewTopic]) -> None:
        """Create topics and wait until they are seen. One that somebody else created meanwhile is left as it is.

        Raises:
            BrokerUnavailableError: no answer within the deadline.
            CredentialsError: not allowed.
            RagpulseError: refused by the broker for another reason, which the text names.

        """
        new = {topic.topic: topic for topic in wanted}
        if not new:
            return
        futures = self._client.create_topics(list(new.values()), **self._timeouts())
        self._each(futures, tolerate=KafkaError.TOPIC_ALREADY_EXISTS)
        deadline = time.monotonic() + self._deadline_seconds
        # The controller has them; a broker's own view follows some milliseconds later.
        while new.keys() - self.names():
            if time.monotonic() >= deadline:
                raise self._unavailable()
            time.sleep(_SETTLE_SECONDS)

    def _described(self, names: Collection[str]) -> dict[str, Any]:
        if not names:
            return {}
        futures = self._client.describe_topics(TopicCollection(list(names)), request_timeout=self._deadline_seconds)
        return self._each(futures, tolerate=KafkaError.UNKNOWN_TOPIC_OR_PART)

    def _configs(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        if not resources:
            return {}
        futures = self._client.describe_configs(resources, request_timeout=self._deadline_seconds)
        return {
            resource.name: {key: entry.value for key, entry in entries.items()}
            for resource, entries in self._each(futures, tolerate=None).items()
        }

    def _each(self, futures: Mapping[Any, Any], *, tolerate: int | None) -> dict[Any, Any]:
        results = {}
        for subject, future in futures.items():
            try:
                results[subject] = future.result(timeout=self._deadline_seconds + 5)
            except KafkaException as error:
                if error.args[0].code() != tolerate:
                    raise self._translated(error) from error
        return results

    def _timeouts(self) -> dict[str, float]:
        return {"request_timeout": self._deadline_seconds, "operation_timeout": self._deadline_seconds}

    def _raise_if_refused(self) -> None:
        for problem in self._problems:
            if problem.code() in _CREDENTIALS:
                raise self._refused(problem)

    def _translated(self, error: KafkaException) -> RagpulseError:
        cause: KafkaError = error.args[0]
        if cause.code() in _CREDENTIALS:
            return self._refused(cause)
        if cause.retriable() or cause.code() < 0:  # negative codes are librdkafka's own: no answer, timed out
            return self._unavailable()
        return RagpulseError(f"The broker at {self._target.bootstrap_servers} refused: {cause.str()}.")

    def _refused(self, cause: KafkaError) -> CredentialsError:
        return CredentialsError(
            f"The broker at {self._target.bootstrap_servers} refused access ({cause.str()}): "
            "check RAGPULSE_KAFKA__SECURITY_PROTOCOL, the SASL and SSL settings, and the ACLs."
        )

    def _unavailable(self) -> BrokerUnavailableError:
        seen = f" ({self._problems[-1].str()})" if self._problems else ""
        return BrokerUnavailableError(
            f"No Kafka broker answered at {self._target.bootstrap_servers} within "
            f"{self._deadline_seconds:.0f} s{seen}: check RAGPULSE_KAFKA__BOOTSTRAP_SERVERS and that the broker runs."
        )


def _facts(found: Any) -> TopicFacts:
    return TopicFacts(str(found.topic_id), len(found.partitions))
