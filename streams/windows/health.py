"""Health: source partitions whose worker is silent. Silence is never health, and final figures wait for it."""

from collections.abc import Iterator
from typing import Literal

from ragpulse.schemas.identity import derived_id
from ragpulse.schemas.signal import PipelineHealth
from ragpulse.streams.windows.progress import Sources
from ragpulse.streams.windows.state import MergerSettings


def changes_of_silence(sources: Sources, settings: MergerSettings) -> Iterator[PipelineHealth]:
    """Note and yield which partitions fell silent and which were heard again."""
    for number, source in sorted(sources.partitions.items()):
        is_silent = sources.silent_for_ms(source) >= settings.silence_ms
        subject = f"silent_partition:{settings.source_topic}/{number}"
        if is_silent and source.silent_since_ms is None:
            source.silent_since_ms = source.heard_at_ms
            message = (
                f"No ingest worker has reported on {settings.source_topic}/{number} for {settings.silence_ms // 1000} s. "
                f"Final verdicts wait for it, {settings.hold_ms // 60_000} min at most: start a worker, or look why it stands still."
            )
            yield _health(sources, subject, "opened", source.silent_since_ms, message)
        elif not is_silent and source.silent_since_ms is not None:
            message = f"{settings.source_topic}/{number} is reported on again."
            yield _health(sources, subject, "ended", source.silent_since_ms, message)
            source.silent_since_ms = None


def _health(
    sources: Sources, subject: str, phase: Literal["opened", "ended"], since_ms: int, message: str
) -> PipelineHealth:
    return PipelineHealth(
        id=derived_id(subject, since_ms, phase),
        at_ms=sources.log_ms or since_ms,
        subject=subject,
        phase=phase,
        since_ms=since_ms,
        message=message,
    )
