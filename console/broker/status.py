"""Which broker is used, and whether it is there."""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ragpulse.console.broker.lifecycle import broker_process_lives
from ragpulse.console.broker.places import default_state_dir, external_bootstrap_servers
from ragpulse.console.broker.probe import broker_answers
from ragpulse.console.broker.record import RunningBroker, read_broker_file


class State(StrEnum):
    """What can be said of the broker; each value completes "the broker is"."""

    RUNNING = "running"
    SILENT = "silent"  # its process lives but does not answer
    DEAD = "dead"  # broker.json is there, its process is not
    STOPPED = "stopped"
    EXTERNAL = "external"  # the setting names it, and it answers
    EXTERNAL_SILENT = "external-silent"


_SENTENCES = {
    State.RUNNING: "Kafka runs at {address} (process {pid}, data in {data}).",
    State.SILENT: "Kafka's process {pid} lives but does not answer at {address}: read {log}, or run "
    "`ragpulse broker stop` and `ragpulse broker start`.",
    State.DEAD: "Kafka's process {pid} is gone (it was not stopped in order; its last words may be in {log}): run `ragpulse broker start`.",
    State.STOPPED: "No embedded broker runs: run `ragpulse broker start`.",
    State.EXTERNAL: "The broker at {address} answers (RAGPULSE_KAFKA__BOOTSTRAP_SERVERS).",
    State.EXTERNAL_SILENT: "The broker at {address} (RAGPULSE_KAFKA__BOOTSTRAP_SERVERS) does not answer: "
    "start it, or unset the variable to use the embedded one.",
}


@dataclass(frozen=True, slots=True)
class Status:
    """The broker in use; `broker` is what broker.json says of an embedded one."""

    state: State
    bootstrap_servers: str | None = None
    broker: RunningBroker | None = None

    def sentence(self) -> str:
        """Tell it to a person, with what to do where something is wrong."""
        broker = self.broker
        return _SENTENCES[self.state].format(
            address=self.bootstrap_servers,
            pid=broker and broker.pid,
            data=broker and broker.data_dir,
            log=broker and broker.log_file,
        )

    def to_json(self) -> str:
        """Tell it to a program."""
        broker = self.broker
        return json.dumps(
            {
                "state": self.state,
                "bootstrap_servers": self.bootstrap_servers,
                "pid": broker and broker.pid,
                "data_dir": broker and str(broker.data_dir),
                "log_file": broker and str(broker.log_file),
                "ephemeral": broker and broker.ephemeral,
            }
        )


def broker_status(state_dir: Path | None = None) -> Status:
    """Look at the broker of the setting, else at the embedded one of `state_dir`; nothing is changed."""
    external = external_bootstrap_servers()
    if external is not None:
        return Status(State.EXTERNAL if broker_answers(external) else State.EXTERNAL_SILENT, external)
    broker = read_broker_file(state_dir or default_state_dir())
    if broker is None:
        return Status(State.STOPPED)
    return Status(_embedded_state(broker), broker.bootstrap_servers, broker)


def _embedded_state(broker: RunningBroker) -> State:
    if not broker_process_lives(broker):
        return State.DEAD
    return State.RUNNING if broker_answers(broker.bootstrap_servers) else State.SILENT
