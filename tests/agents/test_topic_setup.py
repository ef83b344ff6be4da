"""Topics on a real broker: created once, never changed, drift told, wrong ones refused."""

import time

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from broker_fixture import CreateTopic
from ragpulse.agents.broker_admin import BrokerAdmin
from ragpulse.agents.settings import KafkaSettings, Settings
from ragpulse.agents.topic_setup import Drift, TopicState, create_topics, refuse_problems, report_topics, require_topics
from ragpulse.client.connection import Connection, Security
from ragpulse.schemas.errors import BrokerUnavailableError, ConfigurationError, RagpulseError
from ragpulse.streams.topology import TOPICS


@pytest.fixture
def settings(kafka: str, topic_prefix: str, create_topic: CreateTopic) -> Settings:  # noqa: ARG001 - it deletes
    return Settings(kafka=KafkaSettings(bootstrap_servers=kafka), topic_prefix=topic_prefix)


@pytest.fixture
def admin(settings: Settings) -> BrokerAdmin:
    return BrokerAdmin.of(settings)


def make(admin: BrokerAdmin, settings: Settings, name: str, partitions: int, **config: str) -> str:
    """Create one topic that is not as the topology says."""
    full_name = f"{settings.topic_prefix}{name}"
    admin.create([NewTopic(full_name, partitions, 1, config={key.replace("_", "."): it for key, it in config.items()})])
    return full_name


def test_topics_are_created_as_the_topology_says_and_a_second_time_changes_nothing(
    admin: BrokerAdmin, settings: Settings
) -> None:
    first, second = create_topics(admin, settings), create_topics(admin, settings)

    names = [topic.full_name(settings.topic_prefix) for topic in TOPICS]
    assert [(name, TopicState.CREATED, ()) for name in names] == [(it.name, it.state, it.drift) for it in first]
    assert [(name, TopicState.PRESENT, ()) for name in names] == [(it.name, it.state, it.drift) for it in second]


def test_another_number_of_partitions_is_refused_and_nothing_is_created(admin: BrokerAdmin, settings: Settings) -> None:
    name = make(admin, settings, "windows", 3)

    with pytest.raises(ConfigurationError, match=f"Topic {name} has 3 partitions and ragpulse wants 4"):
        create_topics(admin, settings)

    assert {name: 3} == {found: facts.partitions for found, facts in admin.topic_facts(all_names(settings)).items()}


def test_a_setting_that_changes_the_meaning_of_records_is_refused(admin: BrokerAdmin, settings: Settings) -> None:
    make(admin, settings, "query-events", 4, message_timestamp_type="CreateTime")

    with pytest.raises(ConfigurationError, match=r"message.timestamp.type=CreateTime and ragpulse wants LogAppendTime"):
        require_topics(admin, settings, ["query-events"])


def test_other_drift_is_told_and_left_as_it_is(admin: BrokerAdmin, settings: Settings) -> None:
    make(admin, settings, "alerts", 4, retention_ms="1000")

    reports = {report.topic.name: report for report in create_topics(admin, settings)}

    assert (TopicState.PRESENT, (Drift("retention.ms", "1000", "2592000000"),)) == (
        reports["alerts"].state,
        reports["alerts"].drift,
    )


def test_another_replication_is_told_as_drift(admin: BrokerAdmin, settings: Settings) -> None:
    create_topics(admin, settings)

    wishful = settings.model_copy(update={"kafka": settings.kafka.model_copy(update={"replication": 3})})

    assert {(Drift("replication", "1", "3"),)} == {report.drift for report in report_topics(admin, wishful)}


def test_more_replicas_than_brokers_is_told_in_the_brokers_words(admin: BrokerAdmin, settings: Settings) -> None:
    wishful = settings.model_copy(update={"kafka": settings.kafka.model_copy(update={"replication": 3})})

    with pytest.raises(RagpulseError, match="replication factor"):
        create_topics(admin, wishful)


def test_a_missing_topic_is_refused_with_the_command_that_creates_it(admin: BrokerAdmin, settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match=r"signals is missing: run `ragpulse topics create`"):
        require_topics(admin, settings, ["signals"])
    with pytest.raises(ConfigurationError):
        refuse_problems(report_topics(admin, settings))


def test_a_topic_made_anew_has_another_id(kafka: str, admin: BrokerAdmin, settings: Settings) -> None:
    name = make(admin, settings, "signals", 1)
    before = require_topics(admin, settings, ["signals"])[name]
    deleting = AdminClient({"bootstrap.servers": kafka})
    deleting.delete_topics([name])[name].result(30)
    while name in admin.names():
        time.sleep(0.01)
    make(admin, settings, "signals", 1)

    after = require_topics(admin, settings, ["signals"])[name]

    assert (1, 1) == (before.partitions, after.partitions)
    assert before.topic_id != after.topic_id


def test_facts_are_given_of_topics_that_exist_only(admin: BrokerAdmin, settings: Settings) -> None:
    assert {} == admin.topic_facts(all_names(settings))
    assert {} == admin.topic_facts([])


def test_a_broker_that_does_not_answer_is_named_within_the_deadline() -> None:
    admin = BrokerAdmin(Connection("127.0.0.1:1", Security()), deadline_seconds=1.5)

    with pytest.raises(BrokerUnavailableError, match=r"127.0.0.1:1 within 2 s .*Connection refused"):
        admin.topic_facts(["rag.windows"])


def all_names(settings: Settings) -> list[str]:
    return [topic.full_name(settings.topic_prefix) for topic in TOPICS]
