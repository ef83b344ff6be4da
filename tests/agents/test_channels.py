"""Where the addresses of channels come from."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from ragpulse.agents.channels import channel_urls
from ragpulse.agents.settings import Settings, load_settings
from ragpulse.schemas.errors import ConfigurationError


def test_the_environment_names_a_channel_in_upper_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGPULSE_CHANNELS__ON_CALL", "json://127.0.0.1/a")
    monkeypatch.setenv("RAGPULSE_CHANNELS__EMPTY", " ")

    assert channel_urls(load_settings()) == {"on_call": SecretStr("json://127.0.0.1/a")}


def test_the_environment_counts_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "channels.yaml"
    file.write_text("slack: slack://from/the/file\nemail: 'mailtos://user:a@example.com'\n")

    urls = channel_urls(Settings(channels={"slack": SecretStr("slack://x")}, channels_file=file))

    assert urls == {"slack": SecretStr("slack://x"), "email": SecretStr("mailtos://user:a@example.com")}


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        ("- json://canary\n", [":1: must hold one line a channel, name: URL"]),
        ("", [": must hold one line a channel, name: URL"]),
        ("slack:\n  url: json://canary\nemail: ''\n", [
            ":1: slack: must be an Apprise URL, in quotes", ":3: email: must be an Apprise URL, in quotes",
        ]),
        ("slack: *canary\n", [":1: has an anchor or alias (& or *): write the value out, or put it in quotes"]),
        ("slack: [json://canary\n", [":2: is not YAML: expected ',' or ']', but got '<stream end>'"]),
        ("slack: json://canary\nslack: json://canary\n", [":2: slack: is given twice, first on line 1: keep one"]),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_without_repeating_an_address(
    content: str, problems: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "channels.yaml"
    file.write_text(content)

    with pytest.raises(ConfigurationError) as refused:
        channel_urls(Settings(channels_file=file))

    assert str(refused.value).splitlines() == [f"{file}{problem}" for problem in problems]
