"""The command line as a whole: exit codes, sentences, quick help."""

import resource
import subprocess
import sys
import tomllib

import pytest

from ragpulse.console import cli
from repository import ROOT


def ragpulse(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run the command line as users do."""
    command = [sys.executable, "-m", "ragpulse.console", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)


def test_the_version_is_that_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert (0, f"ragpulse {version}\n") == ((done := ragpulse("--version")).returncode, done.stdout)


def test_help_lists_every_command_and_loads_neither_kafka_nor_pydantic() -> None:
    code = (
        "import sys; from ragpulse.console.cli import run; code = run(['--help']); "
        "print(code, sorted({'confluent_kafka', 'pydantic', 'faust', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "0 []" == done.stdout.splitlines()[-1]
    assert [] == [command.name for command in cli.COMMANDS if f" {command.name} " not in done.stdout]


def test_help_takes_less_than_half_a_second_of_processor_time() -> None:
    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ragpulse("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 0.5


@pytest.mark.parametrize("command", [command.name for command in cli.COMMANDS])
def test_every_command_has_help_that_a_person_can_use(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.run([command, "--help"])

    assert (0, True) == (code, len(capsys.readouterr().out) > 200)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["topic"], "ragpulse: No such command 'topic'. Did you mean 'topics'? See `ragpulse --help`.\n"),
        (["topics", "delete"], "ragpulse: No such command 'delete'. See `ragpulse topics --help`.\n"),
        (["topics", "list", "--yaml"], "ragpulse: No such option: --yaml. See `ragpulse topics list --help`.\n"),
        (["emit"], "ragpulse: Missing argument 'file'. See `ragpulse emit --help`.\n"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_64(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.run(arguments)

    assert (64, told) == (code, capsys.readouterr().err)


def test_a_command_group_alone_prints_its_help_and_64(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.run(["topics"])

    assert (64, True) == (code, "Create the topics that are missing" in capsys.readouterr().out)


def test_wrong_settings_are_one_sentence_and_78(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAGPULSE_KAFKA__SECURITY_PROTOCOL", "TLS")

    code = cli.run(["topics", "list"])

    told = capsys.readouterr().err
    assert (78, 1) == (code, told.count("\n"))
    assert "RAGPULSE_KAFKA__SECURITY_PROTOCOL" in told


def test_an_unknown_broker_is_one_sentence_and_69(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("RAGPULSE_STATE_DIR", str(tmp_path_factory.mktemp("state")))
    monkeypatch.delenv("RAGPULSE_KAFKA__BOOTSTRAP_SERVERS", raising=False)

    code = cli.run(["lag"])

    assert (69, 1) == (code, capsys.readouterr().err.count("\n"))


def test_a_bug_shows_its_traceback_and_is_70(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("ragpulse.console.topics_cli.load_settings", broken)

    code = cli.run(["topics", "list"])

    assert (70, True) == (code, "ZeroDivisionError" in capsys.readouterr().err)
