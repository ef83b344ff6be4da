"""The topics of `ragpulse.streams.topology` against those on the broker: create the missing, refuse the wrong, show drift."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from confluent_kafka.admin import NewTopic

from ragpulse.agents.broker_admin import BrokerAdmin, TopicFacts, TopicOnBroker
from ragpulse.agents.settings import Settings
from ragpulse.schemas.errors import ConfigurationError
from ragpulse.streams.topology import TOPICS, Topic

#: Settings whose drift changes what the records mean; every other drift is the operator's choice and only shown.
_MEANING = frozenset({"message.timestamp.type", "cleanup.policy"})


class TopicState(StrEnum):
    """How a topic stands on the broker."""

    MISSING = "missing"
    CREATED = "created"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Drift:
    """One setting that differs from the topology. Values in the broker's words."""

    setting: str
    has: str
    wants: str


@dataclass(frozen=True, slots=True)
class TopicReport:
    """One topic, as it stands."""

    name: str  # with prefix
    topic: Topic
    state: TopicState
    drift: tuple[Drift, ...] = ()

    def problem(self) -> str | None:
        """Return what a worker cannot work with, as one sentence with the remedy; None where all is well."""
        if self.state is TopicState.MISSING:
            return f"Topic {self.name} is missing: run `ragpulse topics create`."
        wrong = [drift for drift in self.drift if drift.setting == "partitions"]
        if wrong:
            return _partitions_differ(self.name, wrong[0])
        wrong = [drift for drift in self.drift if drift.setting in _MEANING]
        return _meaning_differs(self.name, wrong[0]) if wrong else None


def report_topics(admin: BrokerAdmin, settings: Settings) -> list[TopicReport]:
    """Return how each topic of the topology stands. Changes nothing.

    Raises:
        BrokerUnavailableError, CredentialsError: see `BrokerAdmin.topic_facts`.

    """
    found = admin.on_broker([topic.full_name(settings.topic_prefix) for topic in TOPICS])
    return [_report(topic, settings, found) for topic in TOPICS]


def create_topics(admin: BrokerAdmin, settings: Settings) -> list[TopicReport]:
    """Create what is missing and return how each topic stands now. Never changes a topic that exists.

    Raises:
        ConfigurationError: a topic that exists cannot be worked with, such as another number of partitions; in that
            case nothing is created.
        BrokerUnavailableError, CredentialsError: see `BrokerAdmin.create`.

    """
    before = report_topics(admin, settings)
    missing = {report.name for report in before if report.state is TopicState.MISSING}
    refuse_problems(report for report in before if report.name not in missing)
    admin.create(_new_topic(report, settings) for report in before if report.name in missing)
    after = report_topics(admin, settings) if missing else before
    refuse_problems(after)
    return [_as_created(report) if report.name in missing else report for report in after]


def refuse_problems(reports: Iterable[TopicReport]) -> None:
    """Raise if a worker could not work with one of these topics.

    Raises:
        ConfigurationError: names every such topic, what it has, what is wanted, and what to do.

    """
    problems = [problem for report in reports if (problem := report.problem())]
    if problems:
        raise ConfigurationError(" ".join(problems))


def require_topics(admin: BrokerAdmin, settings: Settings, names: Iterable[str]) -> dict[str, TopicFacts]:
    """Return the facts of these topics (names without prefix), by full name: what a worker asks before it starts.

    Raises:
        ConfigurationError: one is missing or cannot be worked with.
        BrokerUnavailableError, CredentialsError: see `BrokerAdmin.topic_facts`.

    """
    wanted = [topic for topic in TOPICS if topic.name in set(names)]
    found = admin.on_broker([topic.full_name(settings.topic_prefix) for topic in wanted])
    refuse_problems(_report(topic, settings, found) for topic in wanted)
    return {name: topic.facts for name, topic in found.items()}


def _report(topic: Topic, settings: Settings, found: dict[str, TopicOnBroker]) -> TopicReport:
    name = topic.full_name(settings.topic_prefix)
    if name not in found:
        return TopicReport(name, topic, TopicState.MISSING)
    return TopicReport(name, topic, TopicState.PRESENT, _drift(topic, settings.kafka.replication, found[name]))


def _drift(topic: Topic, replication: int, found: TopicOnBroker) -> tuple[Drift, ...]:
    wants = {"partitions": str(topic.partitions), "replication": str(replication), **topic.config}
    has = {**found.config, "partitions": str(found.facts.partitions), "replication": str(found.replication)}
    return tuple(Drift(key, has.get(key, ""), value) for key, value in wants.items() if has.get(key, "") != value)


def _new_topic(report: TopicReport, settings: Settings) -> NewTopic:
    topic = report.topic
    return NewTopic(report.name, topic.partitions, settings.kafka.replication, config=dict(topic.config))


def _as_created(report: TopicReport) -> TopicReport:
    return TopicReport(report.name, report.topic, TopicState.CREATED, report.drift)


def _partitions_differ(name: str, drift: Drift) -> str:
    return (
        f"Topic {name} has {drift.has} partitions and ragpulse wants {drift.wants}, and never changes that on its own, "
        f"because keys would move: delete the topic and run `ragpulse topics create`, or set RAGPULSE_TOPIC_PREFIX."
    )


def _meaning_differs(name: str, drift: Drift) -> str:
    return (
        f"Topic {name} has {drift.setting}={drift.has} and ragpulse wants {drift.wants}: "
        f"change it with your Kafka tools (`kafka-configs.sh --alter`)."
    )
