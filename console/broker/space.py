"""Free space on disk, asked for before Kafka finds out half-way."""

import shutil
from pathlib import Path

from ragpulse.console.broker import errors

BROKER_MEGABYTES = 256  # room for a demo's topics; a broker that runs out of it ends without a clean stop


def require_space(folder: Path, megabytes: int, variable: str) -> None:
    """Refuse to begin on a disk that is as good as full; `variable` is what moves the folder elsewhere."""
    if _free_megabytes(folder) < megabytes:
        raise disk_full(folder, megabytes, variable)


def disk_full(folder: Path, megabytes: int, variable: str) -> errors.BrokerError:
    """Tell of a disk on which `megabytes` were not to be had."""
    return errors.disk_full(folder, _free_megabytes(folder), megabytes, variable)


def broker_variable(*, ephemeral: bool) -> str:
    """Name the variable that moves the broker's data to another disk."""
    return "TMPDIR" if ephemeral else "RAGPULSE_STATE_DIR"


def _free_megabytes(folder: Path) -> int:
    existing = next(candidate for candidate in (folder, *folder.parents) if candidate.exists())
    return shutil.disk_usage(existing).free >> 20
