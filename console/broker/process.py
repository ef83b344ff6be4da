"""The broker's process: started in a session of its own, recognised by its command line, ended for good."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from ragpulse.console.broker import errors

_POLL_SECONDS = 0.02


def spawn(command: list[str], output_file: Path) -> int:
    """Start a process that outlives this one and gets none of its signals; its pid."""
    out = (os.POSIX_SPAWN_OPEN, 1, str(output_file), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    no_input = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    both = (os.POSIX_SPAWN_DUP2, 1, 2)
    return os.posix_spawn(command[0], command, os.environ, file_actions=(no_input, out, both), setsid=True)


def is_alive(pid: int, marker: Path) -> bool:
    """Whether `pid` is still the process that was started with `marker` on its command line (pids are used again)."""
    try:
        if os.waitpid(pid, os.WNOHANG) != (0, 0):  # our own child has ended; asking removed it from the process table
            return False
        line = _command_line(pid)
        return not line or str(marker) in line  # a process that was started this moment has no command line yet
    except ChildProcessError:
        return str(marker) in _command_line(pid)


def terminate(pid: int, marker: Path, grace_seconds: float) -> None:
    """SIGTERM, then SIGKILL after the grace, until the process is gone."""
    for number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 10.0)):
        if not is_alive(pid, marker):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if wait_until(lambda: not is_alive(pid, marker), seconds):
            return
    raise errors.not_stopping(pid)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds; False when the time is over first."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _command_line(pid: int) -> str:
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    question = ["ps", "-ww", "-o", "command=", "-p", str(pid)]  # macOS has no /proc
    return subprocess.run(question, capture_output=True, text=True, check=False).stdout  # noqa: S603 - a fixed command
