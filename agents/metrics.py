"""Every metric of the workers, as one closed, typed list. A wrong name or label does not pass the type check or the test.

Names follow Prometheus' conventions: base units, `_total` for counters. Labels are closed sets or partitions, so the
number of series is bounded.
"""

from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MetricName = Literal[
    "ragpulse_events_total",
    "ragpulse_rejected_events_total",
    "ragpulse_lost_offsets_total",
    "ragpulse_overflow_events_total",
    "ragpulse_segments_closed_total",
    "ragpulse_ticks_written_total",
    "ragpulse_flushes_total",
    "ragpulse_flush_seconds",
    "ragpulse_read_position",
    "ragpulse_committed_offset",
    "ragpulse_log_end_offset",
    "ragpulse_watermark_seconds",
    "ragpulse_epoch",
    "ragpulse_records_written_total",
    "ragpulse_snapshot_bytes",
    "ragpulse_verdicts_total",
    "ragpulse_violations_total",
    "ragpulse_alert_transitions_total",
    "ragpulse_deliveries_total",
]


@dataclass(frozen=True, slots=True)
class Metric:
    """Kind, unit and meaning of one metric, and its labels."""

    name: MetricName
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()


METRICS: Final[tuple[Metric, ...]] = (
    Metric("ragpulse_events_total", "counter", "Records read from query-events, by what became of them.", ("outcome",)),
    Metric("ragpulse_rejected_events_total", "counter", "Rejected records, by reason.", ("reason",)),
    Metric(
        "ragpulse_lost_offsets_total", "counter", "Offsets that left the log before they were read.", ("partition",)
    ),
    Metric(
        "ragpulse_overflow_events_total",
        "counter",
        "Events folded into __other__ because a segment had its cap of cells.",
    ),
    Metric("ragpulse_segments_closed_total", "counter", "Segments closed and committed.", ("partition",)),
    Metric("ragpulse_ticks_written_total", "counter", "Ticks written to silent partitions."),
    Metric("ragpulse_flushes_total", "counter", "Flushes to window-partials."),
    Metric("ragpulse_flush_seconds", "histogram", "Duration of a flush from snapshot to commit, in seconds."),
    Metric("ragpulse_read_position", "gauge", "Next offset to read.", ("topic", "partition")),
    Metric("ragpulse_committed_offset", "gauge", "Offset that the broker confirmed.", ("topic", "partition")),
    Metric("ragpulse_log_end_offset", "gauge", "End of the log as last heard.", ("topic", "partition")),
    Metric(
        "ragpulse_watermark_seconds",
        "gauge",
        "Event time up to which all was read, seconds since the epoch.",
        ("partition",),
    ),
    Metric("ragpulse_epoch", "gauge", "Assignments seen by this worker."),
    Metric("ragpulse_records_written_total", "counter", "Records written and acknowledged, by topic.", ("topic",)),
    Metric("ragpulse_snapshot_bytes", "gauge", "Size of the last snapshot.", ("partition",)),
    Metric("ragpulse_verdicts_total", "counter", "Verdicts published, by status.", ("status",)),
    Metric("ragpulse_violations_total", "counter", "Steps in the life of violations, by phase.", ("phase",)),
    Metric("ragpulse_alert_transitions_total", "counter", "Alert transitions, by state.", ("state",)),
    Metric("ragpulse_deliveries_total", "counter", "Notifications, by what became of them.", ("outcome",)),
)

_KINDS = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}


class Meter:
    """The metrics of one worker."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._metrics = {
            metric.name: _KINDS[metric.kind](metric.name, metric.meaning, metric.labels, registry=self._registry)
            for metric in METRICS
        }

    def count(self, name: MetricName, amount: float = 1, **labels: str | int) -> None:
        """Add to a counter."""
        metric = self._labelled(name, labels)
        assert isinstance(metric, Counter)
        metric.inc(amount)

    def set(self, name: MetricName, value: float, **labels: str | int) -> None:
        """Set a gauge."""
        metric = self._labelled(name, labels)
        assert isinstance(metric, Gauge)
        metric.set(value)

    def observe(self, name: MetricName, value: float, **labels: str | int) -> None:
        """Add an observation to a histogram."""
        metric = self._labelled(name, labels)
        assert isinstance(metric, Histogram)
        metric.observe(value)

    def forget_partitions(self) -> None:
        """Drop the gauges of partitions: another worker shows them from now on, and an old value would contradict it."""
        for metric in METRICS:
            if metric.kind == "gauge" and "partition" in metric.labels:
                self._metrics[metric.name].clear()

    def exposition(self) -> bytes:
        """Return Prometheus' text format."""
        return generate_latest(self._registry)

    def _labelled(self, name: MetricName, labels: dict[str, str | int]) -> Counter | Gauge | Histogram:
        metric = self._metrics[name]
        labelled: Counter | Gauge | Histogram = metric.labels(**labels) if labels else metric
        return labelled
