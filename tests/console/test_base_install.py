"""Without the [worker] extra the command line does everything but run workers."""

import subprocess
import sys

import pytest

from ragpulse.console.cli import COMMANDS

#: What only the extra brings; see pyproject.toml.
EXTRA = ("aiokafka", "apprise", "cramjam", "faust", "numpy", "prometheus_client", "river", "structlog")
#: Runs the command line with those modules missing.
WITHOUT_EXTRA = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRA!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from ragpulse.console.cli import run
sys.exit(run(sys.argv[1:]))
"""


def ragpulse(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_EXTRA, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_other_command_loads(command: str) -> None:
    done = ragpulse(command, "--help")

    assert (0, "") == (done.returncode, done.stderr)


def test_a_worker_says_what_to_install() -> None:
    done = ragpulse("worker", "ingest")

    assert (78, 1) == (done.returncode, done.stderr.count("\n"))
    assert "is not installed: pip install 'ragpulse[worker]'" in done.stderr
