"""Free space on disk, asked for before Kafka finds out half-way."""

import shutil
from pathlib import Path

from ragpulse.console.broker import errors

BROKER_MEGABYTES = 256  # room for a demo's topics; a broker that runs out of it ends without a clean stop


def free_megabytes(folder: Path) -> int:
    """Measure what is free where `folder` is, or will be."""
    existing = next(candidate for candidate in (folder, *folder.parents) if candidate.exists())
    return shutil.disk_usage(existing).free >> 20


def require_space(folder: Path, megabytes: int) -> None:
    """Refuse to begin on a disk that is as good as full."""
    free = free_megabytes(folder)
    if free < megabytes:
        raise errors.disk_full(folder, free, megabytes)
