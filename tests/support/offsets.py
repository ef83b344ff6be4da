"""What an operator can do to a pipeline's offsets and topics behind the workers' back, with Kafka's own tools."""

from collections.abc import Iterable

from confluent_kafka import (
    Consumer,
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from pipeline import Pipeline
from ragpulse.streams.topology import TOPICS, role

SECONDS = 30.0
ALL_TOPICS = tuple(topic.name for topic in TOPICS)


def admin_of(pipe: Pipeline) -> AdminClient:
    """Return a connection for administration."""
    return AdminClient({"bootstrap.servers": pipe.bootstrap})


def log_ends(pipe: Pipeline, topics: Iterable[str] = ALL_TOPICS) -> dict[tuple[str, int], int]:
    """Return the end of each partition of each topic (names without prefix)."""
    consumer = Consumer({"bootstrap.servers": pipe.bootstrap, "group.id": "reader"})
    try:
        found = consumer.list_topics(timeout=SECONDS).topics
        return {
            (topic, part): consumer.get_watermark_offsets(TopicPartition(pipe.prefix + topic, part), SECONDS)[1]
            for topic in topics
            for part in found[pipe.prefix + topic].partitions
        }
    finally:
        consumer.close()


def commits(pipe: Pipeline, role_name: str) -> dict[int, int]:
    """Return the offsets that the group of a role has committed, by partition of the topic it reads."""
    topic = pipe.prefix + role(role_name).reads
    consumer = Consumer({"bootstrap.servers": pipe.bootstrap, "group.id": pipe.prefix + role_name})
    try:
        parts = [TopicPartition(topic, part) for part in consumer.list_topics(topic, SECONDS).topics[topic].partitions]
        found = consumer.committed(parts, SECONDS)
    finally:
        consumer.close()
    return {each.partition: each.offset for each in found if each.offset >= 0}


def wait_left(pipe: Pipeline, role_name: str) -> None:
    """Wait until the group of a role has no member: a killed one leaves when its session ends."""
    admin, group = admin_of(pipe), pipe.prefix + role_name

    def is_empty() -> bool:
        described = admin.describe_consumer_groups([group])[group].result(SECONDS)
        return bool(described.state == ConsumerGroupState.EMPTY)

    pipe.until(is_empty, SECONDS, f"{group} has no member")


def delete_group(pipe: Pipeline, role_name: str) -> None:
    """Delete the group of a role and with it all its commits."""
    admin, group = admin_of(pipe), pipe.prefix + role_name
    admin.delete_consumer_groups([group])[group].result(SECONDS)


def move_commit(pipe: Pipeline, role_name: str, offsets: dict[int, int]) -> None:
    """Set commits as Kafka's tools do: whatever metadata they had is gone."""
    topic, group = pipe.prefix + role(role_name).reads, pipe.prefix + role_name
    wanted = [TopicPartition(topic, part, offset) for part, offset in offsets.items()]
    request = ConsumerGroupTopicPartitions(group, wanted)
    admin = admin_of(pipe)
    admin.alter_consumer_group_offsets([request])[group].result(SECONDS)


def delete_before(pipe: Pipeline, topic: str, partition: int, offset: int) -> None:
    """Delete records from the start of a partition, as retention does."""
    before = TopicPartition(pipe.prefix + topic, partition, offset)
    admin = admin_of(pipe)  # it must outlive the answer
    [done] = admin.delete_records([before]).values()
    done.result(SECONDS)


def recreate(pipe: Pipeline, topic: str) -> None:
    """Delete a topic and create it anew under its name."""
    admin, name = admin_of(pipe), pipe.prefix + topic
    admin.delete_topics([name])[name].result(SECONDS)
    pipe.until(lambda: name not in admin.list_topics(timeout=SECONDS).topics, SECONDS, f"{name} is gone")
    created = pipe.ragpulse("topics", "create")
    assert created.returncode == 0, created.stderr
