"""What each objective means. Apart from the objectives themselves, so that the command line can say it without numerics."""

from dataclasses import dataclass
from typing import Final

from ragpulse.schemas.sla import ObjectiveName, Severity, ViolationType

PLAIN_WINDOWS: Final = ("5m",)
"""The plain form says nothing of windows: it is judged on this one."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One objective, in the words that users know, and the samples below which it is not judged."""

    words: str
    bound: str  # how its threshold limits it
    type: ViolationType
    severity: Severity
    impact: str
    minimum_samples: int


#: In the order of verdicts: the worst first.
KINDS: Final[dict[ObjectiveName, Kind]] = {
    ObjectiveName.AVAILABILITY: Kind(
        words="availability",
        bound="at least",
        type=ViolationType.AVAILABILITY,
        severity=Severity.CRITICAL,
        impact="Service unavailable to users",
        minimum_samples=10,
    ),
    ObjectiveName.P95_LATENCY_MS: Kind(
        words="p95 latency",
        bound="at most",
        type=ViolationType.RESPONSE_TIME,
        severity=Severity.HIGH,
        impact="User experience degradation",
        minimum_samples=20,
    ),
    ObjectiveName.QUALITY_SCORE: Kind(
        words="average quality score",
        bound="at least",
        type=ViolationType.QUALITY,
        severity=Severity.MEDIUM,
        impact="Poor response quality affecting user satisfaction",
        minimum_samples=10,
    ),
}
