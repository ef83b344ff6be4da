"""Reads the topics as a subscriber would, and remembers each record by its id: repeats are the same record."""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Self

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

TOPICS = (
    "rejected-events",
    "audit",
    "windows",
    "sla-compliance",
    "violations",
    "alerts",
    "notifications",
    "deliveries",
)


class Observer:
    """A consumer in a thread of its own, from the beginning of each topic."""

    def __init__(self, config: Mapping[str, Any], prefix: str, topics: Sequence[str] = TOPICS) -> None:
        self._prefix = prefix
        self._consumer = Consumer(
            {**config, "group.id": f"{prefix}demo-observer", "enable.auto.commit": False, "fetch.wait.max.ms": 50},
        )
        self._topics = topics
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._records: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.repeats: dict[str, int] = defaultdict(int)
        self._thread = threading.Thread(target=self._run, name="demo-observer", daemon=True)

    def __enter__(self) -> Self:
        found = self._consumer.list_topics(timeout=10).topics
        self._consumer.assign(
            [
                TopicPartition(name, partition, OFFSET_BEGINNING)
                for name in (f"{self._prefix}{topic}" for topic in self._topics)
                for partition in found[name].partitions
            ],
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)
        self._consumer.close()

    def records(self, topic: str) -> list[dict[str, Any]]:
        """Return the distinct records of a topic so far, in the order they were seen, with ``_timestamp_ms``."""
        with self._lock:
            return list(self._records[topic].values())

    def _run(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(1000, 0.1):
                if message.error() is None and message.value():
                    self._remember(message)

    def _remember(self, message: Any) -> None:
        topic = message.topic().removeprefix(self._prefix)
        record = orjson.loads(message.value())
        record["_timestamp_ms"] = message.timestamp()[1]
        with self._lock:
            if record["id"] in self._records[topic]:
                self.repeats[topic] += 1
            else:
                self._records[topic][record["id"]] = record
