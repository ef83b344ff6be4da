"""Where the embedded broker keeps things: state and data, the cache of jars, one folder a run."""

import os
from dataclasses import dataclass
from pathlib import Path

KAFKA_VERSION = "4.3.1"
BOOTSTRAP_SETTING = "RAGPULSE_KAFKA__BOOTSTRAP_SERVERS"


def default_state_dir() -> Path:
    """RAGPULSE_STATE_DIR, else `ragpulse` in the XDG state home."""
    chosen = os.environ.get("RAGPULSE_STATE_DIR")
    return Path(chosen).absolute() if chosen else _xdg("XDG_STATE_HOME", ".local/state") / "ragpulse"


def default_cache_dir() -> Path:
    """Return the folder of this Kafka version in the XDG cache home."""
    return _xdg("XDG_CACHE_HOME", ".cache") / "ragpulse" / f"kafka-{KAFKA_VERSION}"


def external_bootstrap_servers() -> str | None:
    """Return the address of the broker the user brought along, if the setting names one."""
    return os.environ.get(BOOTSTRAP_SETTING) or None


def _xdg(variable: str, fallback: str) -> Path:
    # The XDG specification: a relative path in these variables is to be ignored.
    chosen = Path(os.environ.get(variable, ""))
    return chosen if chosen.is_absolute() else Path.home() / fallback


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
