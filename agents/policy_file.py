"""Finds and reads `policy.yaml`, and says everything that is wrong with it at once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import SecretStr, ValidationError

from ragpulse.agents.plain_yaml import MAX_BYTES, Document, Problem, read_plain_yaml, refuse
from ragpulse.agents.policy_problems import closest, cross_problems, problems_of
from ragpulse.agents.settings import Settings
from ragpulse.schemas.policy import Policy

PACKAGED: Final = "policy.yaml of the package"


@dataclass(frozen=True, slots=True)
class PolicySource:
    """A policy file as it was found. ``name`` is how people call it."""

    name: str
    data: bytes


def load_policy(settings: Settings) -> Policy:
    """Return the policy that counts.

    Raises:
        ConfigurationError: it cannot be read or is wrong; the text lists every problem, a line each.

    """
    source = find_policy(settings.policy_file)
    return parse_policy(source.name, source.data)


def find_policy(file: Path | None) -> PolicySource:
    """Return the named file, else `policy.yaml` of the working directory, else the packaged example.

    Raises:
        ConfigurationError: the file cannot be read.

    """
    if file is not None:
        return read_file(file)
    here = Path("policy.yaml")
    return read_file(here) if here.exists() else packaged_policy()


def packaged_policy() -> PolicySource:
    """Return the example that is installed with ragpulse."""
    return PolicySource(PACKAGED, files("ragpulse.agents").joinpath("policy.yaml").read_bytes())


def read_file(file: Path) -> PolicySource:
    """Return a file of settings, read no further than it may be long.

    Raises:
        ConfigurationError: it cannot be read.

    """
    try:
        with file.open("rb") as stream:
            return PolicySource(str(file), stream.read(MAX_BYTES + 1))
    except OSError as error:
        refuse(str(file), [Problem(f"cannot be read: {error.strerror}")])


def parse_policy(name: str, data: bytes) -> Policy:
    """Return the policy in a file's content.

    Raises:
        ConfigurationError: it is wrong; the text lists every problem, a line each: file, line, key, what would be right.

    """
    document = read_plain_yaml(data)
    if isinstance(document, list):
        refuse(name, document)
    if document.value is None:
        refuse(name, [Problem("is empty: a policy begins with version: 1")])
    # Through JSON, because there the strict types take lists and names of enumerations, and nothing else than meant.
    text = json.dumps(document.value, default=str)
    try:
        policy, found = Policy.model_validate_json(text, strict=True), []
    except ValidationError as error:
        policy, found = None, problems_of(error)
    if policy is None or cross_problems(document.value):
        refuse(name, _placed(document, [*found, *cross_problems(document.value)]))
    return policy


def _placed(document: Document, problems: list[Problem]) -> list[Problem]:
    return [Problem(problem.text, problem.path, document.line_of(problem.path)) for problem in problems]


def channel_warnings(policy: Policy, urls: Mapping[str, SecretStr]) -> list[str]:
    """Return what will keep people from being told, though the policy itself is right: one sentence each."""
    used = {name: route.name for route in reversed(policy.routes) for name in route.channels}
    defined = [channel.name for channel in policy.channels]
    return [
        *(
            []
            if policy.sla.services
            else ["no promise: nothing is judged, and no alert says that a service is slow or down"]
        ),
        *(
            f"channel {name} has no URL: route {used[name]} reaches nobody there. Set RAGPULSE_CHANNELS__{name.upper()}"
            for name in defined
            if name in used and name not in urls
        ),
        *(
            f"a URL is set for {name}, which is no channel of the policy.{closest(name, defined)}"
            for name in sorted(urls)
            if name not in defined
        ),
        *(["no route: alerts are published on the alerts topic, and nobody is told"] if not policy.routes else []),
    ]
