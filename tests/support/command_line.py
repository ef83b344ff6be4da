"""The command line on the broker of the test run, in this process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from broker_fixture import CreateTopic
from ragpulse.console import cli


@dataclass(frozen=True)
class Done:
    """One finished command."""

    code: int
    out: str
    err: str

    def json_lines(self) -> list[dict[str, Any]]:
        """Return what was printed for programs."""
        return [json.loads(line) for line in self.out.splitlines()]


CommandLine = Callable[..., Done]


@pytest.fixture
def command_line(
    kafka: str,
    topic_prefix: str,
    create_topic: CreateTopic,  # noqa: ARG001 - deletes the topics of this prefix after the test
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> CommandLine:
    """Return a function that runs ``ragpulse ARGUMENTS`` with topics of this test's own."""
    monkeypatch.setenv("RAGPULSE_KAFKA__BOOTSTRAP_SERVERS", kafka)
    monkeypatch.setenv("RAGPULSE_TOPIC_PREFIX", topic_prefix)

    def run(*arguments: str) -> Done:
        code = cli.run(arguments)
        return Done(code, *capfd.readouterr())

    return run
