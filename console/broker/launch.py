"""One start of Kafka: choose ports, write its configuration, format its storage once, run it, wait for its answer."""

import base64
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ragpulse.console.broker import errors, ports
from ragpulse.console.broker.configuration import render, server_properties
from ragpulse.console.broker.diagnosis import Cause, known_cause, telling_line
from ragpulse.console.broker.java import java_command
from ragpulse.console.broker.locks import is_locked_by_kafka
from ragpulse.console.broker.places import Workspace
from ragpulse.console.broker.probe import broker_answers
from ragpulse.console.broker.process import is_alive, spawn, terminate, wait_until
from ragpulse.console.broker.record import RunningBroker
from ragpulse.console.broker.space import BROKER_MEGABYTES, broker_variable, disk_full

_ATTEMPTS = 3  # a free port may be taken by someone else before Kafka listens on it


@dataclass(frozen=True, slots=True)
class Launch:
    """What one broker is started with."""

    java: str
    jars: Path
    workspace: Workspace
    ephemeral: bool
    port: int | None
    properties: Mapping[str, str] = field(default_factory=dict)
    deadline_seconds: float = 60.0

    @property
    def command(self) -> list[str]:
        """The Java command line, without the class to run."""
        return java_command(self.java, self.jars, self.workspace)

    @property
    def kept_log(self) -> Path | None:
        """The log a message may send the reader to: an ephemeral broker's goes away with it."""
        return None if self.ephemeral else self.workspace.log_file


def launch(plan: Launch) -> RunningBroker:
    """Start Kafka and return when it answers; nothing is left running otherwise."""
    if is_locked_by_kafka(plan.workspace.data_dir):  # Kafka would find out, too, and take 20 s to end
        raise errors.data_in_use(plan.workspace.data_dir)
    plan.workspace.scratch_dir.mkdir(parents=True, exist_ok=True)
    for _ in range(_ATTEMPTS - 1):
        try:
            return _attempt(plan)
        except _PortsLostError:
            continue
    return _attempt(plan)


class _PortsLostError(errors.BrokerError):
    """Somebody took one of the ports between our look and Kafka's."""

    def __init__(self, line: str, log_file: Path | None) -> None:
        super().__init__(str(errors.died_starting(line, log_file)), errors.UNAVAILABLE)


def _attempt(plan: Launch) -> RunningBroker:
    port = ports.broker_port(plan.port)
    workspace = plan.workspace
    settings = server_properties(workspace, port, ports.free_port(), plan.properties)
    workspace.properties_file.write_text(render(settings), encoding="utf-8")
    if not (workspace.data_dir / "meta.properties").exists():
        _format(plan)
    return _run(plan, f"{ports.LOOPBACK}:{port}")


def _format(plan: Launch) -> None:
    tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted"]
    command = [*plan.command, *tool, "--cluster-id", _cluster_id(), "--config", str(plan.workspace.properties_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=plan.deadline_seconds)  # noqa: S603 - our own command
    if done.returncode:
        raise _failure(plan, done.stdout + done.stderr)


def _cluster_id() -> str:
    # Kafka's identifiers are 16 bytes in base64; one that begins with "-" would be read as an option.
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return _cluster_id() if text.startswith("-") else text


def _run(plan: Launch, bootstrap_servers: str) -> RunningBroker:
    workspace = plan.workspace
    marker = workspace.properties_file
    log_start = workspace.log_file.stat().st_size if workspace.log_file.exists() else 0
    pid = spawn([*plan.command, "kafka.Kafka", str(marker)], workspace.output_file)
    try:
        wait_until(lambda: not is_alive(pid, marker) or broker_answers(bootstrap_servers), plan.deadline_seconds)
        if not is_alive(pid, marker):
            raise _failure(plan, _printed(workspace, log_start))  # noqa: TRY301 - the handler is for all failures
        if not broker_answers(bootstrap_servers):
            raise errors.not_answering(bootstrap_servers, plan.deadline_seconds, plan.kept_log)  # noqa: TRY301
    except BaseException:
        terminate(pid, marker, grace_seconds=5)
        raise
    return RunningBroker(bootstrap_servers, pid, workspace.data_dir, workspace.log_file, plan.ephemeral)


def _printed(workspace: Workspace, log_start: int) -> str:
    """Return what this start added to the log (all of a log begun anew since), then Java's own output."""
    logged = workspace.log_file.read_bytes() if workspace.log_file.exists() else b""
    new = logged[log_start:] if len(logged) >= log_start else logged
    return (new + b"\n" + workspace.output_file.read_bytes()).decode(errors="replace")


def _failure(plan: Launch, text: str) -> errors.BrokerError:
    match known_cause(text):
        case Cause.DISK_FULL:
            return disk_full(plan.workspace.root, BROKER_MEGABYTES, broker_variable(ephemeral=plan.ephemeral))
        case Cause.DATA_IN_USE:
            return errors.data_in_use(plan.workspace.data_dir)
        case Cause.PORT_TAKEN if plan.port is not None:
            return errors.port_taken(plan.port)
        case Cause.PORT_TAKEN:
            return _PortsLostError(telling_line(text), plan.kept_log)
        case _:
            return errors.died_starting(telling_line(text), plan.kept_log)
