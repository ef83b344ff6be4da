"""Where the embedded broker keeps things: state and data, the cache of jars, one folder a run."""

import os
from dataclasses import dataclass
from pathlib import Path

from ragpulse.agents.settings import load_settings
from ragpulse.streams.topology import KAFKA_VERSION

BOOTSTRAP_SETTING = "RAGPULSE_KAFKA__BOOTSTRAP_SERVERS"


def default_state_dir() -> Path:
    """RAGPULSE_STATE_DIR, else `ragpulse` in the XDG state home."""
    return load_settings().state_path.absolute()


def default_cache_dir() -> Path:
    """Return the folder of this Kafka version in the XDG cache home."""
    # The XDG specification: a relative path in the variable is to be ignored.
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (chosen if chosen.is_absolute() else Path.home() / ".cache") / "ragpulse" / f"kafka-{KAFKA_VERSION}"


def external_bootstrap_servers() -> str | None:
    """Return the address of the broker the user brought along, if the setting names one."""
    return load_settings().kafka.bootstrap_servers or None


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder one broker writes into: below the state directory, or temporary for an ephemeral broker."""

    root: Path

    @property
    def data_dir(self) -> Path:
        """Kafka's log directory."""
        return self.root / "data"

    @property
    def properties_file(self) -> Path:
        """Kafka's configuration; its path on the command line is also what marks the process as ours."""
        return self.root / "server.properties"

    @property
    def log_file(self) -> Path:
        """What Kafka logs, rotated by log4j."""
        return self.root / "broker.log"

    @property
    def output_file(self) -> Path:
        """What the Java virtual machine itself prints; written anew at each start."""
        return self.root / "broker.out"

    @property
    def scratch_dir(self) -> Path:
        """Java's temporary directory: native compression libraries unpack there."""
        return self.root / "tmp"
