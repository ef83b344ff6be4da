"""The addresses of channels, from the environment or from a file. They are secrets: nothing here repeats one."""

from pathlib import Path

from pydantic import SecretStr

from ragpulse.agents.plain_yaml import Document, Problem, read_plain_yaml, refuse
from ragpulse.agents.policy_file import read_file
from ragpulse.agents.settings import Settings


def channel_urls(settings: Settings) -> dict[str, SecretStr]:
    """Return the Apprise URL of each channel by its name; the environment counts before the file.

    Raises:
        ConfigurationError: the file cannot be read or is no list of ``name: URL``.

    """
    from_file = _read(settings.channels_file) if settings.channels_file is not None else {}
    from_environment = {name: url for name, url in settings.channels.items() if url.get_secret_value().strip()}
    return {**from_file, **from_environment}


def _read(file: Path) -> dict[str, SecretStr]:
    source = read_file(file)
    document = read_plain_yaml(source.data)
    if isinstance(document, list):
        refuse(source.name, document)
    if problems := _problems(document):
        refuse(source.name, problems)
    return {name: SecretStr(url) for name, url in document.value.items()}


def _problems(document: Document) -> list[Problem]:
    if not isinstance(document.value, dict):
        return [Problem("must hold one line a channel, name: URL", line=document.line_of(()))]
    return [
        Problem("must be an Apprise URL, in quotes", (str(name),), document.line_of((str(name),)))
        for name, url in document.value.items()
        if not isinstance(name, str) or not isinstance(url, str) or not url.strip()
    ]
