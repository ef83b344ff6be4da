"""Locks between processes. The kernel releases them when a process dies, so that none can become stale."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragpulse.console.broker import errors


def is_locked_by_kafka(data_dir: Path) -> bool:
    """Whether a Kafka process holds this data directory (Java's file locks are POSIX locks)."""
    try:
        with (data_dir / ".lock").open("r+b") as handle:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except (BlockingIOError, PermissionError):
        return True
    return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock `path`, waiting for whoever has it; the file stays behind on purpose (removing it would race)."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a")
    except OSError as error:
        raise errors.folder_unusable(path.parent, error.strerror or str(error)) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
