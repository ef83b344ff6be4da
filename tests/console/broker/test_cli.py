"""`ragpulse broker` as a person uses it, with a real Kafka."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from typer.testing import CliRunner

from ragpulse.console.broker import RunningBroker, broker_answers, read_broker_file, stop_broker
from ragpulse.console.broker.cli import app

pytestmark = pytest.mark.kafka


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "state"
    monkeypatch.setenv("RAGPULSE_STATE_DIR", str(folder))
    monkeypatch.delenv("RAGPULSE_KAFKA__BOOTSTRAP_SERVERS", raising=False)
    yield folder
    stop_broker(folder)


def run(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == exit_code, result.output
    return result.output


def recorded(state_dir: Path) -> RunningBroker:
    broker = read_broker_file(state_dir)
    assert broker is not None
    return broker


def produce(bootstrap_servers: str, *values: bytes) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(10)
    producer = Producer({"bootstrap.servers": bootstrap_servers, "acks": "all", "linger.ms": 0})
    for value in values:
        producer.produce("kept", value)
    assert producer.flush(10) == 0


def consume(bootstrap_servers: str, count: int) -> list[bytes | None]:
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "reader", "enable.auto.commit": False})
    consumer.assign([TopicPartition("kept", 0, 0)])
    messages = consumer.consume(count, timeout=10)
    consumer.close()
    return [message.value() for message in messages]


def test_a_broker_starts_once_says_so_and_keeps_its_data_between_runs(state_dir: Path) -> None:
    assert "runs at 127.0.0.1:" in run("start")
    first = recorded(state_dir)
    produce(first.bootstrap_servers, b"one", b"two")

    assert f"already runs at {first.bootstrap_servers} (process {first.pid}" in run("start")
    assert "with other options" in run("start", "--ephemeral", exit_code=64)
    status = json.loads(run("status", "--json"))
    assert (status["state"], status["bootstrap_servers"], status["pid"]) == (
        "running",
        first.bootstrap_servers,
        first.pid,
    )

    assert f"{first.bootstrap_servers} was stopped" in run("stop")
    assert read_broker_file(state_dir) is None
    assert not broker_answers(first.bootstrap_servers)
    assert "No embedded broker runs" in run("stop")
    assert "No embedded broker runs" in run("status", exit_code=69)

    run("start")
    assert consume(recorded(state_dir).bootstrap_servers, 2) == [b"one", b"two"]


def test_after_a_kill_the_stale_file_is_cleaned_up_and_acknowledged_data_is_there(state_dir: Path) -> None:
    run("start")
    killed = recorded(state_dir)
    produce(killed.bootstrap_servers, b"acknowledged")
    os.kill(killed.pid, signal.SIGKILL)
    os.waitpid(killed.pid, 0)

    assert f"process {killed.pid} is gone" in run("status", exit_code=69)
    answer = run("start")
    assert f"(process {killed.pid}) is gone: the stale file was removed." in answer
    assert "already" not in answer
    assert consume(recorded(state_dir).bootstrap_servers, 1) == [b"acknowledged"]


def test_an_ephemeral_broker_leaves_nothing_behind(
    state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    run("start", "--ephemeral")
    produce(recorded(state_dir).bootstrap_servers, b"gone soon")
    assert recorded(state_dir).data_dir.is_relative_to(temporary)
    run("stop")

    assert list(temporary.iterdir()) == []
    assert [path.name for path in state_dir.iterdir()] == ["broker.lock"]


def test_the_broker_of_the_setting_is_used_and_nothing_is_started(
    state_dir: Path, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGPULSE_KAFKA__BOOTSTRAP_SERVERS", kafka)

    assert f"names the broker {kafka}: that one is used and nothing was started" in run("start")
    assert not state_dir.exists()
    assert f"The broker at {kafka} answers" in run("status")


def test_a_setting_that_names_no_broker_is_told(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGPULSE_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")

    assert "does not answer" in run("status", exit_code=69)
    assert not state_dir.exists()
