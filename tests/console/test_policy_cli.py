"""`ragpulse policy check`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ragpulse.agents.policy_file import packaged_policy, parse_policy
from ragpulse.console import policy_cli
from ragpulse.console.cli import run
from repository import ROOT

EXAMPLE = str(ROOT / "deploy" / "policy.example.yaml")
WRONG = str(ROOT / "tests" / "golden" / "wrong_policy.yaml")


@pytest.fixture(autouse=True)
def _no_policy_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAGPULSE_CHANNELS__SLACK", "json://127.0.0.1/c4n4ry")


def test_a_wrong_policy_ends_with_78_and_a_line_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["policy", "check", WRONG])

    out, err = capsys.readouterr()
    problems = (ROOT / "tests" / "golden" / "wrong_policy.txt").read_text().replace("policy.yaml:", f"{WRONG}:")
    assert (code, err) == (78, problems)
    assert json.loads(out) == {"ok": False, "problems": problems.splitlines()}


def test_a_good_policy_says_what_is_promised_and_who_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["policy", "check", EXAMPLE])

    out, err = capsys.readouterr()
    shown = json.loads(out)
    assert (code, shown["ok"], shown["file"]) == (0, True, EXAMPLE)
    assert shown["digest"] == parse_policy("example", packaged_policy().data).digest()
    assert shown["promises"][0] == {
        "service": "checkout-*",
        "tenant": "*",
        "operation": "query_processing",
        "objective": "p95_latency_ms",
        "threshold": 1500,
        "unit": "ms",
        "severity": "critical",
        "windows": ["1m", "5m"],
    }
    assert [(promise["threshold"], promise["unit"]) for promise in shown["promises"][3:]] == [
        (99.5, "percent"),
        (2.5, "s"),
        (0.75, "ratio"),
    ]
    assert [route["name"] for route in shown["routes"]][-1] == "read it some time"
    assert err.splitlines() == [f"warning: {warning}" for warning in shown["warnings"]]
    assert "c4n4ry" not in out + err


def test_people_see_tables(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_cli, "for_programs", lambda as_json: as_json)
    monkeypatch.setenv("COLUMNS", "160")

    assert run(["policy", "check"]) == 0

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "checkout-* * p95 latency at most 1500 ms query_processing, 1m and 5m critical" in lines
    assert "* * availability at least 99.5 % query_processing, 5m critical" in lines
    assert "look at it today high slack, teams, webhook yes" in lines
    assert lines[-1].startswith("policy.yaml of the package is in order")


def test_without_a_file_the_one_that_workers_would_use_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.yaml").write_text("version: 1\n")
    run(["policy", "check"])
    assert json.loads(capsys.readouterr().out)["file"] == "policy.yaml"

    monkeypatch.setenv("RAGPULSE_POLICY_FILE", EXAMPLE)
    run(["policy", "check"])
    assert json.loads(capsys.readouterr().out)["file"] == EXAMPLE


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "check", "gone.yaml"]) == 78
    assert capsys.readouterr().err == "gone.yaml: cannot be read: No such file or directory\n"


def test_a_policy_is_checked_also_where_no_worker_is_installed() -> None:
    hidden = "import sys; sys.modules.update(dict.fromkeys(['numpy', 'faust', 'apprise', 'structlog', 'river']))"
    program = f"{hidden}; from ragpulse.console.cli import run; sys.exit(run(['policy', 'check', {EXAMPLE!r}]))"

    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (process.returncode, json.loads(process.stdout)["ok"]) == (0, True)
