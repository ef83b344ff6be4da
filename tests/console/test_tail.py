"""`ragpulse alerts tail` and `ragpulse verdicts tail`."""

import json
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from command_line import CommandLine
from ragpulse.client.buffered_producer import BufferedProducer, Record
from ragpulse.client.connection import Connection, Security
from ragpulse.console.alerts_cli import alert_line
from ragpulse.console.verdicts_cli import verdict_line

ALERT = {
    "schema_version": 1,
    "id": "0" * 32,
    "at_ms": 1_700_000_000_000,
    "service": "support-bot",
    "tenant": "acme",
    "state": "firing",
    "severity": "high",
    "title": "Response time",
    "summary": "P95 is 4,100 ms, promised are 2,000 ms [not markup]",
}
VERDICT = {
    "at_ms": 1_700_000_000_000,
    "service": "support-bot",
    "tenant": "acme",
    "status": "violated",
    "window": {"start_ms": 1_700_000_000_000, "size_ms": 300_000},
    "samples": 1200,
    "p95_latency_ms": 4100.4,
    "availability": 0.99951,
    "average_quality_score": None,
    "final": True,
}


def put(kafka: str, topic: str, *records: dict[str, Any] | bytes) -> None:
    producer = BufferedProducer(
        Connection(kafka, Security()), on_error=None, delivery_timeout_seconds=30, buffer_records=1000
    )
    for record in records:
        producer.put(Record(topic, record if isinstance(record, bytes) else json.dumps(record).encode(), None), 5)
    producer.close(30)


@pytest.fixture(autouse=True)
def _topics(command_line: CommandLine) -> None:
    assert command_line("topics", "create").code == 0


def test_what_is_there_already_is_shown_from_the_beginning_up_to_a_number(
    command_line: CommandLine, kafka: str, topic_prefix: str
) -> None:
    put(kafka, f"{topic_prefix}alerts", *(ALERT | {"id": f"{number:032x}"} for number in range(5)))

    done = command_line("alerts", "tail", "--from-beginning", "--max", "3")

    assert (0, 3) == (done.code, len(done.json_lines()))
    assert ALERT | {"id": ""} == done.json_lines()[0] | {"id": ""}


def test_only_what_comes_after_the_start_is_shown_and_the_timeout_ends_it(
    command_line: CommandLine, kafka: str, topic_prefix: str
) -> None:
    put(kafka, f"{topic_prefix}alerts", ALERT)
    later = threading.Timer(1.0, put, (kafka, f"{topic_prefix}alerts", ALERT | {"id": "1" * 32}))
    later.start()

    done = command_line("alerts", "tail", "--timeout", "3")

    later.join()
    assert (0, ["1" * 32]) == (done.code, [line["id"] for line in done.json_lines()])


def test_one_service_can_be_followed(command_line: CommandLine, kafka: str, topic_prefix: str) -> None:
    put(kafka, f"{topic_prefix}sla-compliance", VERDICT, VERDICT | {"service": "other"})

    done = command_line("verdicts", "tail", "--from-beginning", "--timeout", "2", "--service", "other")

    assert ["other"] == [line["service"] for line in done.json_lines()]


def test_a_record_of_another_program_is_named(command_line: CommandLine, kafka: str, topic_prefix: str) -> None:
    put(kafka, f"{topic_prefix}alerts", b"no json")

    done = command_line("alerts", "tail", "--from-beginning", "--max", "1")

    assert (78, True) == (done.code, f"The record at {topic_prefix}alerts, partition " in done.err)


@pytest.mark.usefixtures("command_line")  # its environment
def test_ctrl_c_ends_it_well(kafka: str, topic_prefix: str) -> None:
    put(kafka, f"{topic_prefix}alerts", ALERT)
    command = [sys.executable, "-m", "ragpulse.console", "alerts", "tail", "--from-beginning"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        code, told = process.wait(20), process.stderr.read()

    assert (0, b"") == (code, told)
    assert time.monotonic() - start < 5


def test_without_topics_it_says_what_to_do(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGPULSE_TOPIC_PREFIX", "nobody.")

    done = command_line("alerts", "tail")

    assert (78, "ragpulse: Topic nobody.alerts is missing: run `ragpulse topics create`.\n") == (done.code, done.err)


def test_lines_for_people_say_the_essential() -> None:
    assert (
        "2023-11-14 22:13:20  FIRING   high     acme/support-bot  Response time  "
        "P95 is 4,100 ms, promised are 2,000 ms [not markup]"
    ) == alert_line(ALERT).plain
    assert (
        "2023-11-14 22:13:20 +   5 min  final       violated          acme/support-bot  "
        "P95 4,100 ms  availability 0.9995  quality -  of 1,200"
    ) == verdict_line(VERDICT).plain
