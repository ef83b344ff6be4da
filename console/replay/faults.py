"""What goes wrong in a replay, when, and in which service."""

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from ragpulse.schemas.errors import UsageError

FaultKind = Literal["latency", "outage", "quality"]
KINDS: Final[tuple[str, ...]] = get_args(FaultKind)
DEFAULT_STRENGTHS: Final[dict[str, float]] = {"latency": 4.0, "outage": 0.9, "quality": 0.5}
_FORM: Final = re.compile(r"(\w+):([^:]+):([\d.]+)(s?)-([\d.]+)(s?)(?::([\d.]+))?")


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open part of a replay, in seconds or in fractions of its duration; 1 is the end, with the last request."""

    start: float
    end: float
    unit: Literal["seconds", "fraction"] = "seconds"

    def holds(self, due_seconds: float, duration_seconds: float) -> bool:
        """Say whether a moment of the replay lies inside."""
        if self.unit == "seconds":
            return self.start <= due_seconds < self.end
        position = due_seconds / duration_seconds
        return self.start <= position and (position < self.end or self.end == 1)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one service (``*``: of all).

    ``strength``: latency is multiplied by it; outage: the share of requests that fail; quality is multiplied by it.
    None: see DEFAULT_STRENGTHS.
    """

    kind: FaultKind
    service: str
    span: Span
    strength: float | None = None

    @property
    def effect(self) -> float:
        """Return the strength, or the default of its kind."""
        return DEFAULT_STRENGTHS[self.kind] if self.strength is None else self.strength

    def strikes(self, service: str) -> bool:
        """Say whether it is a fault of this service."""
        return self.service in ("*", service)


def parse_fault(text: str) -> Fault:
    """Read ``KIND:SERVICE:START-END[:STRENGTH]``; START and END in seconds (``60s``) or as fractions (``0.3``).

    Raises:
        UsageError: another form; the text shows the right one.

    """
    found = _FORM.fullmatch(text)
    if found is None or found[1] not in KINDS or found[4] != found[6]:
        raise _wrong(text)
    try:
        span = Span(float(found[3]), float(found[5]), "seconds" if found[4] else "fraction")
        strength = float(found[7]) if found[7] else None
    except ValueError as error:  # such as 1.2.3
        raise _wrong(text) from error
    if span.start >= span.end or (span.unit == "fraction" and span.end > 1):
        raise _wrong(text)
    return Fault(found[1], found[2], span, strength)  # type: ignore[arg-type] # checked above to be a kind


def _wrong(text: str) -> UsageError:
    return UsageError(
        f"{text!r} is no fault: write KIND:SERVICE:START-END[:STRENGTH] with KIND one of {', '.join(KINDS)}, SERVICE a name or *, "
        "and times in seconds (60s-90s) or as fractions of the replay (0.3-0.5), such as latency:support-bot:60s-90s."
    )
