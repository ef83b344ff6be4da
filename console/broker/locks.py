"""Locks between processes. The kernel releases them when a process dies, so that none can become stale."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragpulse.console.broker import errors


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
