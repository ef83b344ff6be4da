"""A topic's records as another client library reads them, committed ones only."""

import json
from collections.abc import Iterable
from contextlib import closing
from time import monotonic
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition


class TopicLog:
    """Follows a topic from its beginning. ``records`` are those read so far, each as `record` returns it."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.records: list[dict[str, Any]] = []
        self._topic = topic
        # Any: its messages may lack partition and offset, says its type, but those that are read never do.
        self._consumer: Any = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "reader",  # never joined
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 50,
            },
        )
        self._partitions = list(self._consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        self._reached = dict.fromkeys(self._partitions, 0)
        self._consumer.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in self._partitions])

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def more(self, seconds: float = 0.05) -> list[dict[str, Any]]:
        """Read what comes within a short time; return all records so far."""
        for message in self._consumer.consume(10_000, seconds):
            error = message.error()
            if error is None:
                self.records.append(record(message))
                self._reached[message.partition()] = message.offset() + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                self._reached[message.partition()] = message.offset()
        return self.records

    def to_the_end(self, seconds: float = 60) -> list[dict[str, Any]]:
        """Read up to the present end; return all records."""
        deadline = monotonic() + seconds
        ends = {each: self._end(each) for each in self._partitions}
        while any(self._reached[each] < end for each, end in ends.items()):
            assert monotonic() < deadline, f"{self._topic} could not be read to its end"
            self.more()
        return self.records

    def _end(self, partition: int) -> int:
        low, high = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), timeout=10)
        return int(high) if high > low else 0  # nothing to wait for in an empty log


def record(message: Any) -> dict[str, Any]:
    """Return the fields of a JSON record, with `_offset`, `_partition`, `_timestamp` and its bytes as `_raw`."""
    value = message.value()
    fields = json.loads(value) if value else {}
    return {
        **(fields if isinstance(fields, dict) else {"value": fields}),
        "_offset": message.offset(),
        "_partition": message.partition(),
        "_timestamp": message.timestamp()[1],
        "_raw": value,
    }


def records_of(bootstrap: str, topic: str) -> list[dict[str, Any]]:
    """Return the records of a topic up to its present end."""
    with closing(TopicLog(bootstrap, topic)) as log:
        return log.to_the_end()


def by_id(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each record once by its id; assert that a repeat has the same bytes."""
    first: dict[str, dict[str, Any]] = {}
    for one in records:
        assert first.setdefault(one["id"], one)["_raw"] == one["_raw"]
    return list(first.values())
