"""The pipeline on one page: every topic, who writes it, who reads it, and the roles that do so.

The shell, the topic creator, the README's table and the tests read this list; nobody types a topic name twice.
"""

from dataclasses import dataclass, field
from typing import Final

KAFKA_VERSION: Final = "4.3.1"

DAY_MS: Final = 86_400_000
SOURCE_PARTITIONS: Final = 4
BLOCK_RECORDS: Final = 50_000
RECORDS_IN_OPEN_SEGMENTS: Final = 1_000_000
"""A worker may own every partition: the blocks of all partitions together stay below this many records."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. ``name`` is without the prefix of the settings."""

    name: str
    key: str
    partitions: int
    contract: str  # the class in ragpulse.schemas whose JSON it carries
    config: dict[str, str] = field(default_factory=dict)

    def full_name(self, prefix: str) -> str:
        """Return the name on the broker."""
        return f"{prefix}{self.name}"


@dataclass(frozen=True, slots=True)
class Role:
    """One kind of worker: its own consumer group, so that each scales alone."""

    name: str
    reads: str  # topic consumed in the group
    writes: tuple[str, ...]
    decides_in: str
    state: str
    idempotent_because: str


def _delete(days: int, **config: str) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS), **config}


QUERY_EVENTS: Final = Topic(
    "query-events",
    "any (the SDK: event_id)",
    SOURCE_PARTITIONS,
    "QueryEvent",
    _delete(7, **{"message.timestamp.type": "LogAppendTime"}),
)
REJECTED_EVENTS: Final = Topic(
    "rejected-events",
    "origin topic/partition/offset",
    4,
    "RejectedEvent",
    # A rejected record of the broker's largest size still fits, in base64 and with its reason.
    _delete(7, **{"max.message.bytes": "2097152"}),
)
WINDOW_PARTIALS: Final = Topic(
    "window-partials",
    "explicit partition = murmur2(service)",
    4,
    "Flush",
    # slo measures the silence of ingest workers by these timestamps: the broker's clock, not each worker's own.
    _delete(3, **{"message.timestamp.type": "LogAppendTime"}),
)
SLO_STATE: Final = Topic(
    "slo-state",
    "partition p holds the snapshots of window-partials p",
    4,
    "Snapshot",
    _delete(3, **{"segment.bytes": "16777216"}),
)
AUDIT: Final = Topic(
    "audit", "partition p holds source partition p only", SOURCE_PARTITIONS, "SegmentRecord", _delete(2557)
)
SIGNALS: Final = Topic("signals", "alert fingerprint", 1, "Signal", _delete(30))
POLICIES: Final = Topic("policies", "SHA-256 of the policy", 1, "Policy", {"cleanup.policy": "compact"})
WINDOWS: Final = Topic("windows", "tenant, service", 4, "Window", _delete(30))
SLA_COMPLIANCE: Final = Topic("sla-compliance", "tenant, service", 4, "SlaCompliance", _delete(30))
VIOLATIONS: Final = Topic("violations", "tenant, service", 4, "Violation", _delete(30))
ALERTING_STATE: Final = Topic(
    "alerting-state",
    "partition p holds the snapshots of signals p",
    1,
    "Snapshot",
    _delete(3, **{"segment.bytes": "16777216"}),
)
ALERTS: Final = Topic("alerts", "alert id", 4, "Alert", _delete(30))
NOTIFICATIONS: Final = Topic("notifications", "alert id", 4, "Notification", _delete(30))
DELIVERIES: Final = Topic("deliveries", "alert id", 4, "Delivery", _delete(30))

TOPICS: Final[tuple[Topic, ...]] = (
    QUERY_EVENTS,
    REJECTED_EVENTS,
    AUDIT,
    WINDOW_PARTIALS,
    SLO_STATE,
    WINDOWS,
    SLA_COMPLIANCE,
    VIOLATIONS,
    SIGNALS,
    POLICIES,
    ALERTING_STATE,
    ALERTS,
    NOTIFICATIONS,
    DELIVERIES,
)

ROLES: Final[tuple[Role, ...]] = (
    Role(
        name="ingest",
        reads="query-events",
        writes=("rejected-events", "audit", "window-partials", "policies", "query-events"),
        decides_in="streams/segments",
        state="none: open segments are re-read",
        idempotent_because="a segment is cut by the log alone, and its cells replace those of an earlier run",
    ),
    Role(
        name="slo",
        reads="window-partials",
        writes=("windows", "sla-compliance", "violations", "signals", "slo-state", "policies"),
        decides_in="streams/windows, streams/sla",
        state="snapshots on slo-state, named by the commit",
        idempotent_because="a window's revision is the offset of the flush it reflects; ids are derived",
    ),
    Role(
        name="alerting",
        reads="signals",
        writes=("alerts", "notifications", "alerting-state", "signals"),
        decides_in="streams/alerting",
        state="snapshots on alerting-state, named by the commit",
        idempotent_because="each transition stems from one signal offset; ids are derived",
    ),
    Role(
        name="notify",
        reads="notifications",
        writes=("deliveries",),
        decides_in="agents/delivery.py",
        state="none",
        idempotent_because="a notification keeps its id, so that receivers drop repeats",
    ),
)


def topic(name: str) -> Topic:
    """Return the topic with this name (without prefix).

    Raises:
        KeyError: there is none.

    """
    return {candidate.name: candidate for candidate in TOPICS}[name]


def role(name: str) -> Role:
    """Return the role with this name.

    Raises:
        KeyError: there is none.

    """
    return {candidate.name: candidate for candidate in ROLES}[name]


def block_size(partitions: int) -> int:
    """Return how many offsets a segment of the source topic may span, for its number of partitions."""
    return min(BLOCK_RECORDS, max(1, RECORDS_IN_OPEN_SEGMENTS // partitions))
