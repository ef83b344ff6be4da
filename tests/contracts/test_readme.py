"""The README is true: its commands exist, its Python runs, its policy is a policy (defect D15 of the first implementation)."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import pipeline
from ragpulse.agents.policy_file import parse_policy

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """Return the fenced code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def mentioned_commands() -> list[str]:
    """Return every `ragpulse …` command that the README shows, in blocks and in running text."""
    shown = [
        line.split("#")[0] for block in blocks("sh") for line in block.splitlines() if line.startswith("ragpulse ")
    ]
    inline = re.findall(r"`(ragpulse [a-z][^`]*)`", README)
    return sorted({command.strip() for command in (*shown, *inline)})


@pytest.mark.parametrize("command", mentioned_commands())
def test_every_command_of_the_readme_exists(command: str) -> None:
    words = [word for word in shlex.split(command)[1:] if not word.startswith("-")]
    path = words[:1] if words[0] in {"worker", "emit", "lag", "replay-trace", "demo", "dev"} else words[:2]

    shown = subprocess.run(
        [sys.executable, "-m", "ragpulse.console", *path, "--help"], capture_output=True, text=True, check=False
    )

    assert (shown.returncode, "Usage" in shown.stdout) == (0, True), shown.stderr


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)

    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()

    assert [
        name for name in re.findall(r"make ([a-z-]+)", README) if not re.search(rf"^{name}:", makefile, re.MULTILINE)
    ] == []


def test_the_policy_of_the_readme_is_valid() -> None:
    (text,) = blocks("yaml")

    assert parse_policy("README.md", text.encode()).version == 1


def test_the_python_of_the_readme_produces_an_event(kafka: str, tmp_path: Path) -> None:
    (code,) = blocks("python")
    with pipeline(kafka, tmp_path) as pipe:
        subprocess.run([sys.executable, "-c", code], env={**os.environ, **pipe.environment}, check=True, timeout=60)

        produced = [record["service"] for record in pipe.read("query-events")]

    assert produced == ["support-bot"]


def test_the_alerts_command_of_the_readme_runs(kafka: str, tmp_path: Path) -> None:
    with pipeline(kafka, tmp_path) as pipe:
        shown = pipe.ragpulse("alerts", "tail", "--from-beginning", "--timeout", "1")

    assert (shown.returncode, shown.stdout) == (0, "")
