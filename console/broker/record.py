"""broker.json: where the embedded broker runs. Other roles and commands find it by this file."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError


@dataclass(frozen=True, slots=True)
class RunningBroker:
    """An embedded broker that was started and has answered."""

    bootstrap_servers: str
    pid: int
    data_dir: Path
    log_file: Path
    ephemeral: bool


_CODEC = TypeAdapter(RunningBroker)


def broker_file(state_dir: Path) -> Path:
    """Return the path of broker.json."""
    return state_dir / "broker.json"


def read_broker_file(state_dir: Path) -> RunningBroker | None:
    """Read broker.json, whether that process still lives or not; None where there is none that can be read."""
    try:
        return _CODEC.validate_json(broker_file(state_dir).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None


def write_broker_file(state_dir: Path, broker: RunningBroker) -> None:
    """Replace broker.json as a whole: a reader sees the old one or the new one."""
    handle, temporary = tempfile.mkstemp(prefix="broker.json.", dir=state_dir)
    with os.fdopen(handle, "wb") as file:
        file.write(_CODEC.dump_json(broker, indent=2))
    Path(temporary).replace(broker_file(state_dir))
