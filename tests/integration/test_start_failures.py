"""What a worker cannot start with: one clear sentence, the right exit code, no traceback, within half a minute."""

from pathlib import Path
from subprocess import CompletedProcess
from uuid import uuid4

from pipeline import POLICY, ragpulse
from ragpulse.schemas.errors import BrokerUnavailableError, ConfigurationError, UsageError

UNUSED_PORT = "127.0.0.1:1"


def started(directory: Path, role: str = "ingest", policy: str = POLICY, **settings: str) -> CompletedProcess[str]:
    """Try to start a worker; settings are its environment variables without `RAGPULSE_`."""
    (directory / "policy.yaml").write_text(policy)
    environment = {
        "RAGPULSE_STATE_DIR": str(directory),
        "RAGPULSE_POLICY_FILE": str(directory / "policy.yaml"),
        **{f"RAGPULSE_{name}": value for name, value in settings.items()},
    }
    return ragpulse(environment, "worker", role, seconds=30)


def sentence(failed: CompletedProcess[str]) -> str:
    """Return the one line that was said."""
    [line] = failed.stderr.splitlines()
    assert "" == failed.stdout
    assert line.startswith("ragpulse: ")
    return line


def test_a_wrong_policy_is_named_with_file_key_and_what_would_be_right(tmp_path: Path) -> None:
    failed = started(tmp_path, policy="version: 1\nroutes: [{name: night, channels: [pager]}]\n")

    assert ConfigurationError.exit_code == failed.returncode
    assert {True} == {word in sentence(failed) for word in ("policy.yaml", "routes[0].channels[0]", "pager")}


def test_a_wrong_setting_is_named_with_its_variable(tmp_path: Path) -> None:
    failed = started(tmp_path, KAFKA__SESSION_TIMEOUT_SECONDS="soon")

    assert ConfigurationError.exit_code == failed.returncode
    assert "RAGPULSE_KAFKA__SESSION_TIMEOUT_SECONDS" in sentence(failed)


def test_missing_topics_are_named_with_the_command_that_creates_them(kafka: str, tmp_path: Path) -> None:
    failed = started(tmp_path, KAFKA__BOOTSTRAP_SERVERS=kafka, TOPIC_PREFIX=f"none-{uuid4().hex[:8]}.")

    assert ConfigurationError.exit_code == failed.returncode
    assert "ragpulse topics create" in sentence(failed)


def test_a_broker_that_does_not_answer_is_named_with_its_address(tmp_path: Path) -> None:
    failed = started(tmp_path, KAFKA__BOOTSTRAP_SERVERS=UNUSED_PORT)

    assert BrokerUnavailableError.exit_code == failed.returncode
    assert UNUSED_PORT in sentence(failed)


def test_an_unknown_role_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    failed = started(tmp_path, "ingress")

    assert UsageError.exit_code == failed.returncode
    assert {True} == {role in sentence(failed) for role in ("ingress", "ingest", "slo", "alerting", "notify")}
