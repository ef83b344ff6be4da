"""The stage of the demo: a broker, topics, a receiver and all roles under supervision, in a directory of their own."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from time import monotonic, sleep
from typing import Final
from uuid import uuid4

from ragpulse.agents.broker_admin import BrokerAdmin
from ragpulse.agents.kafka_config import connection
from ragpulse.agents.settings import Settings, load_settings
from ragpulse.agents.topic_setup import create_topics
from ragpulse.client.connection import Connection
from ragpulse.console.broker import start_broker, stop_broker
from ragpulse.console.readiness import all_ready
from ragpulse.console.supervisor import Supervisor
from ragpulse.console.webhook_receiver import WebhookReceiver
from ragpulse.schemas.errors import StuckError
from ragpulse.streams.topology import ROLES

READY_SECONDS: Final = 60.0
KEPT_LOGS: Final = "logs"


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs. ``prefix``: of the topics; on a broker that is not ours it is unique."""

    connection: Connection
    prefix: str
    directory: Path
    supervisor: Supervisor
    receiver: WebhookReceiver


@contextmanager
def stage() -> Iterator[Stage]:
    """Set everything up, wait until all roles are ready, and take everything down again.

    Raises:
        RagpulseError: something could not be set up; the text says what to do.

    """
    outer = load_settings()
    with ExitStack() as stack:
        directory = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="ragpulse-demo-", ignore_cleanup_errors=True))
        )
        bootstrap, prefix = _broker(stack, outer, directory)
        receiver = stack.enter_context(WebhookReceiver())
        policy = directory / "policy.yaml"
        policy.write_bytes(files("ragpulse.console.demo").joinpath("policy.yaml").read_bytes())
        environment = {
            "RAGPULSE_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            "RAGPULSE_TOPIC_PREFIX": prefix,
            "RAGPULSE_STATE_DIR": str(directory),
            "RAGPULSE_POLICY_FILE": str(policy),
            "RAGPULSE_CHANNELS__ONCALL": receiver.apprise_url,
        }
        settings = _settings(environment)
        target = connection(settings)
        create_topics(BrokerAdmin(target), settings)
        supervisor = Supervisor(directory / KEPT_LOGS, environment)
        stack.callback(supervisor.stop)
        for role in ROLES:
            supervisor.start(role.name)
        _wait_ready(supervisor, directory)
        yield Stage(target, prefix, directory, supervisor, receiver)


def _broker(stack: ExitStack, outer: Settings, directory: Path) -> tuple[str, str]:
    if outer.kafka.bootstrap_servers:
        return outer.kafka.bootstrap_servers, f"{outer.topic_prefix}demo-{uuid4().hex[:8]}."
    broker = start_broker(directory, ephemeral=True, say=_silent)
    stack.callback(stop_broker, directory, say=_silent)
    return broker.bootstrap_servers, outer.topic_prefix


def _settings(environment: dict[str, str]) -> Settings:
    """Read the settings as the workers will: the outer environment (security, for example) under ours."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        return load_settings()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def _wait_ready(supervisor: Supervisor, directory: Path) -> None:
    deadline = monotonic() + READY_SECONDS
    while not all_ready(directory, supervisor.workers):
        supervisor.watch()
        if monotonic() >= deadline:
            text = f"The workers were not ready within {READY_SECONDS:g} s; their logs are in {supervisor.log_dir}."
            raise StuckError(text)
        sleep(0.1)


def _silent(_: str) -> None:
    pass
