"""Start, stop and look at the embedded broker of a state directory. At most one runs there at a time."""

import errno
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ragpulse.console.broker import errors
from ragpulse.console.broker.assembly import assembled_jars
from ragpulse.console.broker.java import find_java
from ragpulse.console.broker.launch import Launch, launch
from ragpulse.console.broker.locks import locked
from ragpulse.console.broker.places import Workspace, default_state_dir
from ragpulse.console.broker.process import is_alive, terminate
from ragpulse.console.broker.record import RunningBroker, broker_file, read_broker_file, write_broker_file
from ragpulse.console.broker.space import BROKER_MEGABYTES, broker_variable, disk_full, require_space

_EPHEMERAL_PREFIX = "ragpulse-kafka-"
_STOP_GRACE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class _Request:
    state_dir: Path
    ephemeral: bool
    port: int | None
    properties: Mapping[str, str]
    deadline_seconds: float


def _nobody(_: str) -> None:
    pass


def start_broker(  # noqa: PLR0913 - keywords of the public call, each with a default
    state_dir: Path | None = None,
    *,
    ephemeral: bool = False,
    port: int | None = None,
    properties: Mapping[str, str] | None = None,
    deadline_seconds: float = 60.0,
    say: Callable[[str], None] = _nobody,
) -> RunningBroker:
    """Start the broker of `state_dir`, or return the one that runs there already; it answers when this returns.

    Without `port` the preferred port is used, or a free one; `properties` override Kafka's settings. The process
    survives this one: whoever starts it stops it. `say` is told what takes time or was cleaned up.
    """
    request = _Request(state_dir or default_state_dir(), ephemeral, port, properties or {}, deadline_seconds)
    with locked(request.state_dir / "broker.lock"):
        running = _running_or_cleaned(request.state_dir, say)
        if running is not None:
            return _same(running, request)
        broker = _started(request, say)
        write_broker_file(request.state_dir, broker)
        return broker


def stop_broker(state_dir: Path | None = None, *, say: Callable[[str], None] = _nobody) -> RunningBroker | None:
    """Stop the broker of `state_dir` and remove what an ephemeral one wrote; the broker it was, None if none ran."""
    state_dir = state_dir or default_state_dir()
    if not state_dir.is_dir():
        return None
    with locked(state_dir / "broker.lock"):
        running = _running_or_cleaned(state_dir, say)
        if running is not None:
            terminate(running.pid, _workspace(running).properties_file, _STOP_GRACE_SECONDS)
            _forget(state_dir, running)
        return running


def broker_process_lives(broker: RunningBroker) -> bool:
    """Whether the process that broker.json names is still that broker."""
    return is_alive(broker.pid, _workspace(broker).properties_file)


def _running_or_cleaned(state_dir: Path, say: Callable[[str], None]) -> RunningBroker | None:
    recorded = read_broker_file(state_dir)
    if recorded is None or broker_process_lives(recorded):
        return recorded
    say(f"The broker of {broker_file(state_dir)} (process {recorded.pid}) is gone: the stale file was removed.")
    _forget(state_dir, recorded)
    return None


def _forget(state_dir: Path, broker: RunningBroker) -> None:
    broker_file(state_dir).unlink(missing_ok=True)
    root = _workspace(broker).root
    if broker.ephemeral and root.name.startswith(_EPHEMERAL_PREFIX):  # broker.json is a file anyone may have edited
        shutil.rmtree(root, ignore_errors=True)


def _workspace(broker: RunningBroker) -> Workspace:
    return Workspace(broker.data_dir.parent)


def _same(running: RunningBroker, request: _Request) -> RunningBroker:
    other_port = request.port is not None and not running.bootstrap_servers.endswith(f":{request.port}")
    if other_port or request.properties or request.ephemeral != running.ephemeral:
        raise errors.runs_differently(running.bootstrap_servers)
    return running


def _started(request: _Request, say: Callable[[str], None]) -> RunningBroker:
    java = find_java()
    jars = assembled_jars(say)
    parent = Path(tempfile.gettempdir()) if request.ephemeral else request.state_dir
    require_space(parent, BROKER_MEGABYTES, broker_variable(ephemeral=request.ephemeral))
    root = Path(tempfile.mkdtemp(prefix=_EPHEMERAL_PREFIX)) if request.ephemeral else parent / "kafka"
    plan = Launch(
        java, jars, Workspace(root), request.ephemeral, request.port, request.properties, request.deadline_seconds
    )
    try:
        return launch(plan)
    except BaseException as error:
        if request.ephemeral:
            shutil.rmtree(root, ignore_errors=True)
        if isinstance(error, OSError):
            raise _explained(error, root, ephemeral=request.ephemeral) from error
        raise


def _explained(error: OSError, root: Path, *, ephemeral: bool) -> errors.BrokerError:
    if error.errno == errno.ENOSPC:
        return disk_full(root, BROKER_MEGABYTES, broker_variable(ephemeral=ephemeral))
    return errors.folder_unusable(root, error.strerror or str(error))
