"""`rag.windows`: merged metrics of one (tenant, service, operation, variant, window size) and hop."""

from pydantic import Field

from ragpulse.schemas.outgoing import Contract, OutgoingEvent


class LatencyHistogram(Contract):
    """Exponential histogram in OpenTelemetry's words: bucket ``offset + i`` covers (2**(k/2**scale), 2**((k+1)/2**scale)] µs."""

    scale: int
    zero_count: int
    offset: int
    counts: list[int]


class DimensionMean(Contract):
    """Mean of one quality dimension over the events that carry it."""

    mean: float
    count: int


class Window(OutgoingEvent):
    """One closed window. Identity: tenant, service, operation, variant, window size and start, revision.

    Final windows hold the on-time events of all source partitions; a later revision adds late ones. Sums are integers
    beside the floats, so that readers can merge exactly. What nobody measured is null.
    """

    operation: str
    variant: str | None
    window_start_ms: int
    window_size_ms: int
    final: bool
    revision: int  # offset, in rag.window-partials, of the flush it reflects
    incomplete: list[int] = Field(default_factory=list)  # source partitions that were silent beyond the hold limit
    count: int
    status_counts: dict[str, int]
    availability: float | None
    p50_latency_ms: float | None
    p95_latency_ms: float | None
    p99_latency_ms: float | None
    average_latency_ms: float | None
    latency_count: int
    latency_sum_us: int
    latency_histogram: LatencyHistogram
    average_quality_score: float | None
    quality_count: int
    quality_sum_millionths: int
    quality_dimensions: dict[str, DimensionMean]
    average_user_rating: float | None
    rating_count: int
    rating_sum_millionths: int
    cost_usd: float | None
    cost_count: int
    cost_sum_nano_usd: int
    input_tokens: int | None
    input_tokens_count: int
    output_tokens: int | None
    output_tokens_count: int
    average_retrieval_ms: float | None
    retrieval_count: int
    retrieval_sum_us: int
    average_generation_ms: float | None
    generation_count: int
    generation_sum_us: int
    documents_count: int
    documents_sum: int
    empty_retrieval_count: int
    distinct_users: int
    late_count: int
    duplicate_count: int
    too_late_count: int
