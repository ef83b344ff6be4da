"""YAML that people review: plain mappings, lists, texts and numbers, each key once, and every key's line known.

Anchors, aliases and tags are refused: they make a reviewer read one thing and the loader another, and a small file large.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import yaml

from ragpulse.schemas.errors import ConfigurationError

MAX_BYTES: Final = 262_144
MAX_DEPTH: Final = 16

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file: at which key, and what would be right."""

    text: str
    path: KeyPath = ()
    line: int | None = None

    def sentence(self, name: str) -> str:
        """Return ``file:line: key: text``."""
        place = name if self.line is None else f"{name}:{self.line}"
        return ": ".join(part for part in (place, dotted(self.path), self.text) if part)


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content, and the line on which each key or entry stands."""

    value: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def line_of(self, path: KeyPath) -> int | None:
        """Return the line of a key, or of the nearest key above it that is in the file."""
        return next((self.lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.lines), None)


def dotted(path: KeyPath) -> str:
    """Return a path as people write it: ``routes[0].channels``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def refuse(name: str, problems: Iterable[Problem]) -> NoReturn:
    """Raise one error that lists every problem, a line each, in the order of the file.

    Raises:
        ConfigurationError: always.

    """
    in_order = sorted(problems, key=lambda problem: problem.line or 0)
    raise ConfigurationError("\n".join(dict.fromkeys(problem.sentence(name) for problem in in_order)))


def read_plain_yaml(data: bytes) -> Document | list[Problem]:
    """Return the content of a file, or what is wrong with its form."""
    if len(data) > MAX_BYTES:
        return [Problem(f"is larger than {MAX_BYTES} bytes")]
    try:
        text = data.decode("utf-8-sig")
        return _refusals(text) or _document(text)
    except UnicodeDecodeError as error:
        return [Problem(f"is not UTF-8 (byte {error.start})")]
    except yaml.MarkedYAMLError as error:
        # Not the error's own text: it quotes the line, and a line may hold a secret.
        return [
            Problem(f"is not YAML: {error.problem}", line=error.problem_mark.line + 1 if error.problem_mark else None)
        ]
    except yaml.YAMLError:
        return [Problem("is not YAML: it holds a control character")]
    except ValueError:
        return [Problem("is not YAML: a text that looks like a number or a date needs quotes")]


def _refusals(text: str) -> list[Problem]:
    """Look at the events, which need no recursion, before anything is built from them."""
    depth = 0
    problems: list[Problem] = []
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else None
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            return [*problems, Problem(f"is nested deeper than {MAX_DEPTH} levels", line=line)]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            problems.append(
                Problem("has an anchor or alias (& or *): write the value out, or put it in quotes", line=line)
            )
        elif getattr(event, "tag", None) is not None:
            problems.append(Problem("has a tag (!): leave it out, or put the value in quotes", line=line))
    return problems


def _document(text: str) -> Document | list[Problem]:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        lines: dict[KeyPath, int] = {}
        problems = _walk(node, (), lines) if node is not None else []
        return problems or Document(loader.construct_document(node) if node is not None else None, lines)
    finally:
        loader.dispose()


def _walk(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int]) -> list[Problem]:
    """Note each key's line; return the keys that are given twice."""
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [found for index, one in enumerate(node.value) for found in _walk(one, (*path, index), lines)]
    if not isinstance(node, yaml.MappingNode):
        return []
    problems = []
    for key, value in node.value:
        inner = (*path, str(key.value))
        if inner in lines:
            text = f"is given twice, first on line {lines[inner]}: keep one"
            problems.append(Problem(text, inner, key.start_mark.line + 1))
            continue
        lines[inner] = key.start_mark.line + 1
        problems += _walk(value, inner, lines)
    return problems
