"""Stand-ins for `java` and `mvn`, and a home of its own for each test."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

Executable = Callable[[str, str], Path]


@pytest.fixture
def bin_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture
def executable(bin_dir: Path) -> Executable:
    """Write a shell script into the folder that `only_these_programs` makes the PATH."""

    def write(name: str, script: str) -> Path:
        path = bin_dir / name
        path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return write


@pytest.fixture
def only_these_programs(monkeypatch: pytest.MonkeyPatch, bin_dir: Path) -> Path:
    """A machine with nothing installed but what the test writes into this folder."""
    monkeypatch.setenv("PATH", str(bin_dir))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return bin_dir


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user who never started the broker."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ragpulse" / "kafka-4.3.1"
