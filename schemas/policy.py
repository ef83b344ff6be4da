"""`policy.yaml`: what is promised, to whom, and who is told. Reviewed data, read once at start, frozen.

Two forms of promise: the plain ``sla_requirements`` (seconds, percent, [0, 1]) and the own ``objectives`` in wire units.
Cross-checks live here so that a wrong policy is refused before anything starts; loading the file and phrasing errors
with file and key is `ragpulse.agents.policy_file`. The text of a cross-check has one line a problem; a line may begin
with the path of its key, relative to the section, and a colon.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ragpulse.schemas.sla import ObjectiveName, Severity

#: Window sizes and their hops in milliseconds. Larger windows hop by a sixth of their size (5 m by a tenth).
WINDOW_HOPS_MS: dict[int, int] = {
    60_000: 10_000,
    300_000: 30_000,
    1_800_000: 300_000,
    3_600_000: 600_000,
    21_600_000: 3_600_000,
    86_400_000: 14_400_000,
}
WINDOW_NAMES: dict[str, int] = {
    "1m": 60_000,
    "5m": 300_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "6h": 21_600_000,
    "1d": 86_400_000,
}
WindowName = Literal["1m", "5m", "30m", "1h", "6h", "1d"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SlaRequirements(_Section):
    """The plain form: ``max_response_time`` in seconds, ``min_availability`` in percent, ``min_quality_score`` in [0, 1]."""

    max_response_time: Annotated[float, Field(gt=0)] | None = None
    min_availability: Annotated[float, Field(gt=0, le=100)] | None = None
    min_quality_score: Annotated[float, Field(ge=0, le=1)] | None = None

    @field_validator("max_response_time")
    @classmethod
    def _in_seconds(cls, value: float | None) -> float | None:
        if value is not None and value > 600:
            message = (
                f"is in seconds, and {value:g} s is above 600 s. "
                f"For {value:g} ms write max_response_time: {value / 1000:g}"
            )
            raise ValueError(message)
        return value

    @field_validator("min_availability")
    @classmethod
    def _in_percent(cls, value: float | None) -> float | None:
        if value is not None and value <= 1:
            message = (
                f"is in percent, and {value:g} % promises almost nothing. "
                f"For a ratio of {value:g} write min_availability: {value * 100:g}"
            )
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _promises_something(self) -> Self:
        if self.max_response_time is None and self.min_availability is None and self.min_quality_score is None:
            message = "promises nothing: give max_response_time, min_availability or min_quality_score"
            raise ValueError(message)
        return self


class Objective(_Section):
    """One promise in wire units: ``p95_latency_ms`` (upper limit), ``availability`` or ``quality_score`` (lower limits, ratios)."""

    threshold: float
    windows: Annotated[tuple[WindowName, ...], Field(min_length=1)] = ("5m",)
    minimum_samples: Annotated[int, Field(ge=1)] | None = None
    severity: Severity | None = None


class ServiceSla(_Section):
    """Promises for the services whose name (and tenant) match. The first entry that matches a service counts."""

    service: str = "*"
    tenant: str = "*"
    operation: Literal["query_processing", "document_retrieval", "response_generation", "user_access"] = (
        "query_processing"
    )
    sla_requirements: SlaRequirements | None = None
    objectives: dict[ObjectiveName, Objective] = Field(default_factory=dict)
    rejected_counts_as: Literal["unavailable", "ignored"] = "unavailable"

    @model_validator(mode="after")
    def _says_something_once(self) -> Self:
        if self.sla_requirements is None and not self.objectives:
            message = "promises nothing: give sla_requirements or objectives"
            raise ValueError(message)
        if self.sla_requirements is not None and self.objectives:
            message = "has both sla_requirements and objectives: keep one form"
            raise ValueError(message)
        found = ((name, threshold_problem(name, objective.threshold)) for name, objective in self.objectives.items())
        if problems := [f"objectives.{name}.threshold: {problem}" for name, problem in found if problem]:
            raise ValueError("\n".join(problems))
        return self

    def matches(self, tenant: str, service: str) -> bool:
        """Say whether this entry speaks of the service (shell patterns, case-sensitive)."""
        return fnmatchcase(service, self.service) and fnmatchcase(tenant, self.tenant)


def threshold_problem(name: str, threshold: float) -> str | None:
    """Say what is wrong with the unit of an objective's threshold, None if nothing is."""
    if name == ObjectiveName.P95_LATENCY_MS and not 1 <= threshold <= 86_400_000:
        return f"is in milliseconds, and {threshold:g} is outside 1 to 86400000. For {threshold:g} s write {threshold * 1000:g}"
    if name in (ObjectiveName.AVAILABILITY, ObjectiveName.QUALITY_SCORE) and not 0 < threshold <= 1:
        return f"is a ratio in (0, 1]. For {threshold:g} percent write {threshold / 100:g}"
    return None


class Sla(_Section):
    """All promises."""

    services: tuple[ServiceSla, ...] = ()


class ChannelKind(StrEnum):
    """What stands behind a channel; a label for people and metrics. The address is an Apprise URL from the environment."""

    SLACK = "slack"
    EMAIL = "email"
    PAGERDUTY = "pagerduty"
    TEAMS = "teams"
    WEBHOOK = "webhook"
    OTHER = "other"


class Channel(_Section):
    """One channel by name. Its Apprise URL comes from ``RAGPULSE_CHANNELS__<NAME>`` or a file, never from here."""

    name: str
    kind: ChannelKind = ChannelKind.OTHER

    @field_validator("name")
    @classmethod
    def _plain(cls, value: str) -> str:
        # A double underscore would nest in the name of the environment variable.
        if len(value) > 64 or not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", value):
            message = "is no channel name: lower-case letters and digits in words joined by _, beginning with a letter"
            raise ValueError(message)
        return value


class Route(_Section):
    """Who is told. The first route whose conditions all hold counts; an absent condition always holds."""

    name: str
    severities: tuple[Severity, ...] = ()
    types: tuple[str, ...] = ()
    service: str = "*"
    tenant: str = "*"
    channels: Annotated[tuple[str, ...], Field(min_length=1)]
    send_resolved: bool = True


def reference_problems(channels: Sequence[str], routes: Sequence[tuple[str, Sequence[str]]]) -> list[tuple[str, str]]:
    """Return what is wrong between the names of the channels and the routes (name, channels): path and text of each."""
    problems = [(f"channels[{index}].name", "is defined twice: names are unique") for index in _repeats(channels)]
    names = [name for name, _ in routes]
    problems += [(f"routes[{index}].name", "is defined twice: names are unique") for index in _repeats(names)]
    known = ", ".join(channels) or "none"
    problems += [
        (f"routes[{index}].channels[{position}]", f"{target!r} is no channel of this policy. Known: {known}")
        for index, (_, targets) in enumerate(routes)
        for position, target in enumerate(targets)
        if target not in channels
    ]
    return problems


def _repeats(names: Sequence[str]) -> list[int]:
    return [index for index, name in enumerate(names) if names.index(name) < index]


class Bounds(_Section):
    """Limits on what producers may send. Pinned per segment, so a change applies from the next segment on."""

    max_event_bytes: Annotated[int, Field(ge=1024, le=1_048_576)] = 262_144
    max_depth: Annotated[int, Field(ge=4, le=200)] = 32
    cells_per_segment: Annotated[int, Field(ge=1, le=100_000)] = 20_000
    future_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300
    max_age_days: Annotated[int, Field(ge=1, le=30)] = 7


class Policy(_Section):
    """The whole file. Sections of later capabilities are known by name and must stay empty until then."""

    version: Literal[1]
    sla: Sla = Sla()
    channels: tuple[Channel, ...] = ()
    routes: tuple[Route, ...] = ()
    escalation: dict[str, Any] = Field(default_factory=dict, max_length=0)
    compliance: dict[str, Any] = Field(default_factory=dict, max_length=0)
    anomaly: dict[str, Any] = Field(default_factory=dict, max_length=0)
    analytics: dict[str, Any] = Field(default_factory=dict, max_length=0)
    bounds: Bounds = Bounds()

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> Self:
        names = [channel.name for channel in self.channels]
        if problems := reference_problems(names, [(route.name, route.channels) for route in self.routes]):
            raise ValueError("\n".join(f"{path}: {problem}" for path, problem in problems))
        return self

    def canonical(self) -> bytes:
        """Return the one JSON form of this policy."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    def digest(self) -> str:
        """Return the SHA-256 of the canonical form, 64 hex digits: the policy's name on `rag.policies` and in verdicts."""
        return sha256(self.canonical()).hexdigest()
