"""`ragpulse lag`."""

import time
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from command_line import CommandLine
from ragpulse.streams.topology import ROLES, topic


def test_every_partition_of_every_role_is_told_where_nothing_was_read_yet(command_line: CommandLine) -> None:
    command_line("topics", "create")

    done = command_line("lag")
    assert "" == done.err
    found = done.json_lines()

    expected = [(role.name, partition) for role in ROLES for partition in range(topic(role.reads).partitions)]
    assert expected == [(line["role"], line["partition"]) for line in found]
    assert {(None, 0, 0, None)} == {(it["committed"], it["end"], it["lag"], it["age_seconds"]) for it in found}


def test_lag_and_age_count_from_the_committed_offset(command_line: CommandLine, kafka: str, topic_prefix: str) -> None:
    command_line("topics", "create")
    name = f"{topic_prefix}notifications"
    producer = Producer({"bootstrap.servers": kafka})
    now_ms = time.time_ns() // 1_000_000
    for partition, age_seconds in ((0, 100), (0, 60), (0, 30), (1, 10)):
        producer.produce(name, b"x", partition=partition, timestamp=now_ms - 1000 * age_seconds)
    producer.flush(10)
    worker = Consumer({"bootstrap.servers": kafka, "group.id": f"{topic_prefix}notify", "enable.auto.commit": False})
    worker.commit(offsets=[TopicPartition(name, 0, 1), TopicPartition(name, 1, 1)], asynchronous=False)
    worker.close()

    found: dict[int, Any] = {it["partition"]: it for it in command_line("lag").json_lines() if it["role"] == "notify"}

    assert {0: (1, 3, 2), 1: (1, 1, 0), 2: (None, 0, 0), 3: (None, 0, 0)} == {
        partition: (it["committed"], it["end"], it["lag"]) for partition, it in found.items()
    }
    assert 60 <= found[0]["age_seconds"] < 120
    assert {None} == {found[partition]["age_seconds"] for partition in (1, 2, 3)}


def test_without_topics_it_says_what_to_do(command_line: CommandLine) -> None:
    done = command_line("lag")

    assert (78, True) == (done.code, "run `ragpulse topics create`" in done.err)
