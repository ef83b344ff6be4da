"""One real Kafka for a whole test run, also where pytest-xdist spreads the run over several processes.

``kafka`` gives its address, ``topic_prefix`` a prefix of this test's own, ``create_topic`` makes topics below it.
"""

import contextlib
import os
import re
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ragpulse.console.broker import (
    BrokerError,
    broker_answers,
    external_bootstrap_servers,
    read_broker_file,
    start_broker,
    stop_broker,
)
from ragpulse.console.broker.assembly import assembled_jars
from ragpulse.console.broker.process import spawn

_STATE_DIR = "RAGPULSE_TESTS_BROKER_DIR"  # handed down from the controlling process to xdist's workers
_CONTROLLER = "RAGPULSE_TESTS_CONTROLLER_PID"
# A run that is killed cannot stop its broker: this waits for the run's end, whatever it was.
_WATCH = """
while kill -0 "$1" 2>/dev/null; do sleep 1; done
RAGPULSE_STATE_DIR="$2" "$3" -m ragpulse.console.broker stop
rm -rf "$2"
"""


class CreateTopic(Protocol):
    """Make a topic below the test's prefix and return its full name."""

    def __call__(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> str: ...


@pytest.fixture(scope="session")
def kafka() -> str:
    """Bootstrap servers of the broker of this run: the setting's, else an embedded one shared by all tests."""
    external = external_bootstrap_servers()
    if external is not None:
        assert broker_answers(external, 10), f"the broker {external} of the environment does not answer"
        return external
    state_dir = Path(os.environ[_STATE_DIR])
    broker = start_broker(state_dir, ephemeral=True, deadline_seconds=100)
    with contextlib.suppress(FileExistsError):
        (state_dir / "watched").touch(exist_ok=False)
        watch = ["/bin/sh", "-c", _WATCH, "watch", os.environ[_CONTROLLER], str(state_dir), sys.executable]
        spawn(watch, Path(os.devnull))
    return broker.bootstrap_servers


@pytest.fixture
def topic_prefix(request: pytest.FixtureRequest) -> str:
    """Prefix for the topics, groups and transactional ids of one test, so that tests do not see each other."""
    name = re.sub(r"[^a-zA-Z0-9]+", "-", request.node.name)[:40].strip("-")
    return f"{name}-{uuid.uuid4().hex[:8]}."


@pytest.fixture
def create_topic(kafka: str, topic_prefix: str) -> Iterator[CreateTopic]:
    """Make topics below the test's prefix; all topics with that prefix are deleted after the test."""
    admin = AdminClient({"bootstrap.servers": kafka})

    def create(name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        full_name = f"{topic_prefix}{name}"
        admin.create_topics([NewTopic(full_name, partitions, 1, config=dict(config or {}))])[full_name].result(30)
        return full_name

    yield create
    mine = [name for name in admin.list_topics(timeout=30).topics if name.startswith(topic_prefix)]
    if mine:
        for deletion in admin.delete_topics(mine).values():
            deletion.result(30)


def pytest_configure(config: pytest.Config) -> None:
    """Choose where the run's broker lives, before any worker is started."""
    if not hasattr(config, "workerinput"):
        os.environ[_STATE_DIR] = str(Path(tempfile.gettempdir()) / f"ragpulse-tests-{uuid.uuid4().hex}")
        os.environ[_CONTROLLER] = str(os.getpid())


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the broker carries the marker: nobody can forget it."""
    for item in items:
        if "kafka" in getattr(item, "fixturenames", ()):
            item.add_marker("kafka")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Download Kafka before the first test, so that a slow network does not use up that test's time limit."""
    if any(item.get_closest_marker("kafka") for item in session.items) and external_bootstrap_servers() is None:
        with contextlib.suppress(BrokerError):  # the fixture will say it, to the tests that need a broker
            assembled_jars(print)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the broker when all workers have ended."""
    if not hasattr(config, "workerinput"):
        state_dir = Path(os.environ[_STATE_DIR])
        if read_broker_file(state_dir) is not None:
            stop_broker(state_dir)
        shutil.rmtree(state_dir, ignore_errors=True)
