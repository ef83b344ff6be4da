"""What is wrong with a policy, in words that say what would be right."""

import re
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from ragpulse.agents.plain_yaml import KeyPath, Problem
from ragpulse.schemas.policy import Policy, reference_problems, threshold_problem
from ragpulse.streams.alerting.cause import ALERT_TYPES

ErrorDetails = Mapping[str, Any]  # one problem, as pydantic tells it

_PATHED: Final = re.compile(r"([a-z_0-9]+(?:\[\d+\]|\.[a-z_0-9]+)*): (.+)")
_STEP: Final = re.compile(r"([a-z_0-9]+)|\[(\d+)\]")
_URL: Final = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*)://\S+")


def problems_of(error: ValidationError) -> list[Problem]:
    """Return every problem that the types of the policy found."""
    return [problem for item in error.errors(include_url=False) for problem in _phrased(item)]


def cross_problems(raw: Any) -> list[Problem]:
    """Return what is wrong between the parts of a policy, as far as they can be read: also where others are broken."""
    channels, routes = _entries(raw, "channels"), _entries(raw, "routes")
    targets = [(_text(route.get("name")), [_text(name) for name in _list(route.get("channels"))]) for route in routes]
    names = [_text(channel.get("name")) for channel in channels]
    return [
        *(Problem(without_urls(text), _parsed(path)) for path, text in reference_problems(names, targets)),
        *_threshold_problems(raw),
        *_type_problems(routes),
    ]


def closest(word: str, known: Iterable[str]) -> str:
    """Return a question that names the known word nearest to one, or nothing."""
    near = get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def without_urls(text: str) -> str:
    """Return the text without addresses: who puts one into the policy must not find it in a log."""
    return _URL.sub(r"\1://…", text)


def _phrased(item: ErrorDetails) -> list[Problem]:
    path: KeyPath = tuple(part for part in item["loc"] if part != "[key]")
    if item["type"] == "value_error":
        lines = str(item["ctx"]["error"]).splitlines()
        return [_at(path, line) for line in lines]
    phrase = _PHRASES.get(item["type"], _otherwise)
    return [Problem(without_urls(phrase(item)), path)]


def _otherwise(item: ErrorDetails) -> str:
    return f"{item['msg']}, and is {_shown(item['input'])}"


def _at(path: KeyPath, line: str) -> Problem:
    """Split a validator's line: it may begin with the path of a key inside its section."""
    if found := _PATHED.fullmatch(line):
        return Problem(without_urls(found[2]), (*path, *_parsed(found[1])))
    return Problem(without_urls(line), path)


def _parsed(path: str) -> KeyPath:
    return tuple(name or int(index) for name, index in _STEP.findall(path))


def _unknown_key(item: ErrorDetails) -> str:
    *section, key = item["loc"]
    if section[:1] == ["channels"] and str(key).lower() in ("url", "urls", "address"):
        return "addresses are secrets and do not belong here: set RAGPULSE_CHANNELS__<NAME>"
    known = list(_section(Policy, section).model_fields)
    return f"unknown key.{closest(str(key), known) or ' Known: ' + ', '.join(known)}"


def _choice(item: ErrorDetails) -> str:
    expected = item["ctx"]["expected"]
    if item["loc"] == ("version",):
        return f"must be the number {expected}, and is {_shown(item['input'])}"
    question = closest(str(item["input"]), re.findall(r"[^, ']+", expected))
    return f"{_shown(item['input'])} is none of {expected}.{question}"


def _limit(word: str, bound: str) -> Callable[[ErrorDetails], str]:
    def phrase(item: ErrorDetails) -> str:
        value, limit = item["input"], item["ctx"][bound]
        hint = ""
        if item["loc"][-1] == "min_quality_score" and 1 < value <= 100:
            hint = f". For {value:g} percent write {value / 100:g}"
        return f"is {_shown(value)}: must be {word} {limit:g}{hint}"

    return phrase


def _unquote(value: Any) -> str:
    return ": leave out the quotes" if isinstance(value, str) and re.fullmatch(r"-?[0-9.]+", value) else ""


def _list_wanted(item: ErrorDetails) -> str:
    value = item["input"]
    hint = f": write [{value}]" if isinstance(value, str) else ""
    return f"must be a list, and is {_shown(value)}{hint}"


_PHRASES: Final[dict[str, Callable[[ErrorDetails], str]]] = {
    "missing": lambda item: "is missing" + (": write version: 1" if item["loc"] == ("version",) else ""),
    "extra_forbidden": _unknown_key,
    "literal_error": _choice,
    "enum": _choice,
    "string_type": lambda item: f"must be a text, and is {_shown(item['input'])}: put it in quotes",
    "float_type": lambda item: f"must be a number, and is {_shown(item['input'])}{_unquote(item['input'])}",
    "int_type": lambda item: f"must be a whole number, and is {_shown(item['input'])}{_unquote(item['input'])}",
    "bool_type": lambda item: f"must be true or false, and is {_shown(item['input'])}",
    "finite_number": lambda _: "must be a finite number",
    "model_type": lambda item: f"must be a section of keys, and is {_shown(item['input'])}",
    "dict_type": lambda item: f"must be a section of keys, and is {_shown(item['input'])}",
    "tuple_type": _list_wanted,
    "too_short": lambda _: "must have at least one entry",
    # Sections of later capabilities are known by name and may hold nothing yet.
    "too_long": lambda _: "belongs to a later version of ragpulse: leave it out",
    "greater_than": _limit("more than", "gt"),
    "greater_than_equal": _limit("at least", "ge"),
    "less_than": _limit("less than", "lt"),
    "less_than_equal": _limit("at most", "le"),
}


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict | list):
        return "a section" if isinstance(value, dict) else "a list"
    return repr(value)[:40]


def _section(annotation: Any, path: Sequence[str | int]) -> type[BaseModel]:
    """Return the type of the section at a path below a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _section(annotation.model_fields[str(path[0])].annotation, path[1:]) if path else annotation
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) in (dict, tuple):
        return _section(arguments[1 if typing.get_origin(annotation) is dict else 0], path[1:])
    return _section(arguments[0], path)  # X | None, Annotated[X, …]


def _threshold_problems(raw: Any) -> list[Problem]:
    sla = raw.get("sla") if isinstance(raw, dict) else None
    return [
        Problem(problem, ("sla", "services", index, "objectives", name, "threshold"))
        for index, service in enumerate(_entries(sla, "services"))
        for name, objective in _mapping(service.get("objectives")).items()
        if _is_number(threshold := _mapping(objective).get("threshold"))
        if (problem := threshold_problem(str(name), threshold))
    ]


def _type_problems(routes: list[dict[Any, Any]]) -> list[Problem]:
    known = ", ".join(ALERT_TYPES)
    return [
        Problem(
            f"{_shown(name)} is no type of alert. Known: {known}.{closest(name, ALERT_TYPES)}",
            ("routes", index, "types", place),
        )
        for index, route in enumerate(routes)
        for place, name in enumerate(_list(route.get("types")))
        if isinstance(name, str) and name not in ALERT_TYPES
    ]


def _entries(section: Any, key: str) -> list[dict[Any, Any]]:
    """Return the entries of a list of sections; what is none counts as an empty one, so that indices stay."""
    return [_mapping(entry) for entry in _list(_mapping(section).get(key))]


def _is_number(value: Any) -> typing.TypeGuard[float]:
    # The bounds keep out what no float can hold; NaN is within none.
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
