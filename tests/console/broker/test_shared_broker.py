"""The fixtures that other tests build on."""

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from broker_fixture import CreateTopic


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_what_is_produced_is_consumed_with_every_compression(
    kafka: str, create_topic: CreateTopic, topic_prefix: str, compression: str
) -> None:
    topic = create_topic("events")
    producer = Producer({"bootstrap.servers": kafka, "compression.type": compression, "linger.ms": 20})
    for number in range(3):
        producer.produce(topic, b"value " * 100 + str(number).encode())
    producer.flush(10)
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": f"{topic_prefix}group",
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 1000,
        }
    )
    consumer.subscribe([topic])
    values = [message.value() for message in consumer.consume(3, timeout=10)]
    consumer.close()

    assert values == [b"value " * 100 + b"0", b"value " * 100 + b"1", b"value " * 100 + b"2"]


def test_a_transaction_commits(kafka: str, create_topic: CreateTopic, topic_prefix: str) -> None:
    topic = create_topic("events")
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": f"{topic_prefix}writer"})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(topic, b"once")
    producer.commit_transaction(20)
    reader = Consumer({"bootstrap.servers": kafka, "group.id": f"{topic_prefix}group", "auto.offset.reset": "earliest"})
    reader.subscribe([topic])
    [message] = reader.consume(1, timeout=10)
    reader.close()

    assert message.value() == b"once"


def test_a_topic_has_the_partitions_and_settings_asked_for(kafka: str, create_topic: CreateTopic) -> None:
    topic = create_topic("settings", 3, {"message.timestamp.type": "LogAppendTime"})

    assert len(AdminClient({"bootstrap.servers": kafka}).list_topics(topic, timeout=10).topics[topic].partitions) == 3


def test_a_topic_nobody_created_does_not_appear(kafka: str, topic_prefix: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    unknown = f"{topic_prefix}unknown"
    admin.list_topics(unknown, timeout=10)

    assert unknown not in admin.list_topics(timeout=10).topics
