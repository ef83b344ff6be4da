"""Snapshots: the whole state of a merger in chunks, and back. Versioned and self-describing; what follows from it is left out.

A chunk is MessagePack: format, version, checksum of the whole, number of chunks, index, and a slice of the whole, which
is the `_Snapshot` below. Series stand in it once and are numbers elsewhere.
"""

from collections.abc import Sequence
from typing import Final, TypeVar
from zlib import crc32

import msgspec
from msgspec import Struct
from pydantic import ValidationError

from ragpulse.schemas.errors import ContractError
from ragpulse.schemas.policy import Policy
from ragpulse.schemas.sla import Violation
from ragpulse.streams.sla.book import ServiceBook
from ragpulse.streams.sla.judge import Tally
from ragpulse.streams.sla.newest import NOTHING
from ragpulse.streams.sla.records import ServiceRecord, read_services, write_services
from ragpulse.streams.windows.aggregate import Aggregate
from ragpulse.streams.windows.panes import CellKey, OpenCell, OpenPanes
from ragpulse.streams.windows.progress import Sources
from ragpulse.streams.windows.recount import recount
from ragpulse.streams.windows.revisions import ChangedVerdict, ChangedWindow, Revisions
from ragpulse.streams.windows.sealed import Panes, SealedPanes
from ragpulse.streams.windows.series import Series, Service
from ragpulse.streams.windows.state import MergerState

FORMAT: Final = "ragpulse merger state"
SNAPSHOT_VERSION: Final = 1
T = TypeVar("T")
CHUNK_BYTES: Final = 690_000
"""With its head below 700 KB: a record's limit on the broker is 1 MB."""


class _Chunk(Struct, array_like=True):
    format: str
    version: int
    checksum: int
    count: int
    index: int
    content: bytes


class _Segment(Struct, array_like=True):
    partition: int
    start: int
    cells: list[tuple[int, int, bool, int, bytes]]  # series, pane, late, reached, packed


class _Level(Struct, array_like=True):
    dropped_before_ms: int | None
    on_time: dict[int, dict[int, bytes]]  # by pane, by series
    late: dict[int, dict[int, bytes]]


class _Snapshot(Struct):
    policy: bytes  # that its verdicts were judged by, as JSON
    offset: int
    sources: Sources
    series: list[tuple[str, str, str, str]]
    segments: list[_Segment]
    panes: dict[int, dict[int, tuple[list[bytes], list[bytes]]]]  # by pane, by series: folded on time, folded late
    through_ms: int | None
    levels: list[_Level]
    changed_windows: list[tuple[int, int, int]]  # window size, window start, series
    changed_verdicts: list[tuple[int, int, str, str]]  # window size, window start, tenant, service
    services: list[ServiceRecord]
    withdrawn: list[bytes]
    judged_ms: int
    unplaced: int


class _Numbers(dict[Series, int]):
    """Numbers series as they are first asked for."""

    def __missing__(self, series: Series) -> int:
        self[series] = len(self)
        return self[series]


def write_snapshot(state: MergerState) -> list[bytes]:
    """Return the state in chunks. The same state gives the same bytes."""
    whole = msgspec.msgpack.encode(_snapshot_of(state))
    checksum, count = crc32(whole), -(-len(whole) // CHUNK_BYTES)
    return [
        msgspec.msgpack.encode(
            _Chunk(FORMAT, SNAPSHOT_VERSION, checksum, count, index, whole[index * CHUNK_BYTES :][:CHUNK_BYTES])
        )
        for index in range(count)
    ]


def _snapshot_of(state: MergerState) -> _Snapshot:
    numbers = _Numbers()
    snapshot = _Snapshot(
        policy=state.book.policy.canonical(),
        offset=state.offset,
        sources=state.sources,
        series=[],
        segments=_write_segments(state.open, numbers),
        panes={
            pane_ms: {numbers[series]: (pane.folded, pane.late) for series, pane in panes.items()}
            for pane_ms, panes in state.open.panes.items()
        },
        through_ms=state.sealed.through_ms,
        levels=[
            _Level(one.dropped_before_ms, _write_panes(one.on_time, numbers), _write_panes(one.late, numbers))
            for one in state.sealed.levels.values()
        ],
        changed_windows=[(one.size_ms, one.start_ms, numbers[one.series]) for one in state.revisions.windows],
        changed_verdicts=[(one.size_ms, one.start_ms, *one.service) for one in state.revisions.verdicts],
        services=write_services(state.book),
        withdrawn=[violation.to_bytes() for violation in state.book.withdrawn],
        judged_ms=state.judged_ms,
        unplaced=state.unplaced,
    )
    snapshot.series = list(numbers)
    return snapshot


def _write_segments(panes: OpenPanes, numbers: _Numbers) -> list[_Segment]:
    return [
        _Segment(
            partition,
            start,
            [(numbers[key.series], key.pane_ms, key.late, cell.reached, cell.packed) for key, cell in cells.items()],
        )
        for (partition, start), cells in panes.segments.items()
    ]


def _write_panes(panes: Panes, numbers: _Numbers) -> dict[int, dict[int, bytes]]:
    return {start_ms: {numbers[series]: packed for series, packed in pane.items()} for start_ms, pane in panes.items()}


def read_snapshot(chunks: Sequence[bytes], policy: Policy) -> MergerState:
    """Build the state from chunks, in order.

    Raises:
        ContractError: incomplete, damaged, or of another version.

    """
    snapshot = _decode(_join(chunks), _Snapshot)
    state = MergerState.empty(policy)
    names = [state.name(Series(*series)) for series in snapshot.series]
    state.offset, state.sources = snapshot.offset, snapshot.sources
    state.judged_ms, state.unplaced = snapshot.judged_ms, snapshot.unplaced
    state.revisions = Revisions(
        (ChangedWindow(size_ms, start_ms, names[series]) for size_ms, start_ms, series in snapshot.changed_windows),
        (
            ChangedVerdict(size_ms, start_ms, Service(*service))
            for size_ms, start_ms, *service in snapshot.changed_verdicts
        ),
    )
    _read_levels(state.sealed, snapshot, names)
    for pane_ms, panes in snapshot.panes.items():
        for series, (folded, late) in panes.items():
            state.open.restore(pane_ms, names[series], folded, late)
    state.book.withdrawn = [Violation.from_bytes(violation) for violation in snapshot.withdrawn]
    read_services(state.book, snapshot.services, snapshot.offset, before=_decode_policy(snapshot.policy))
    _read_segments(state, snapshot, names)
    recount(state)
    return state


def _join(chunks: Sequence[bytes]) -> bytes:
    heads = [_decode(chunk, _Chunk) for chunk in chunks]
    for head in heads:
        if head.format != FORMAT or head.version != SNAPSHOT_VERSION:
            message = (
                f"A snapshot is a {head.format!r} of version {head.version}, this ragpulse reads {FORMAT!r} of version "
                f"{SNAPSHOT_VERSION}: use the version that wrote it, or delete the state and replay."
            )
            raise ContractError(message)
    whole = b"".join(head.content for head in heads)
    indices, counts = [head.index for head in heads], {head.count for head in heads}
    if (
        counts != {len(heads)}
        or indices != list(range(len(heads)))
        or {head.checksum for head in heads} != {crc32(whole)}
    ):
        message = (
            f"A snapshot is incomplete: chunks {indices} of {sorted(counts)}. Use the snapshot before it, or replay."
        )
        raise ContractError(message)
    return whole


def _decode_policy(content: bytes) -> Policy:
    try:
        return Policy.model_validate_json(content)
    except ValidationError as error:
        message = (
            f"A snapshot was made with a policy that this ragpulse refuses: {error}. Use the version that wrote it."
        )
        raise ContractError(message) from error


def _decode(content: bytes, type_: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(content, type=type_)
    except msgspec.DecodeError as error:
        message = f"A snapshot cannot be read: {error}. Use the snapshot before it, or replay."
        raise ContractError(message) from error


def _read_levels(sealed: SealedPanes, snapshot: _Snapshot, names: list[Series]) -> None:
    sealed.through_ms = snapshot.through_ms
    for one, level in zip(sealed.levels.values(), snapshot.levels, strict=True):
        one.dropped_before_ms = level.dropped_before_ms
        one.on_time, one.late = _read_panes(level.on_time, names), _read_panes(level.late, names)


def _read_panes(panes: dict[int, dict[int, bytes]], names: list[Series]) -> Panes:
    return {start_ms: {names[series]: packed for series, packed in pane.items()} for start_ms, pane in panes.items()}


def _read_segments(state: MergerState, snapshot: _Snapshot, names: list[Series]) -> None:
    for segment in snapshot.segments:
        for series, pane_ms, late, reached, packed in segment.cells:
            key = CellKey(names[series], pane_ms, late)
            cell = OpenCell(reached, packed, NOTHING if late else _tally(state.book, key.series, packed))
            state.open.replace((segment.partition, segment.start), key, cell, is_sealed=state.sealed.is_sealed(pane_ms))


def _tally(book: ServiceBook, series: Series, packed: bytes) -> Tally:
    tracked = book.admit(series)
    return NOTHING if tracked is None else Tally.of_events(Aggregate.from_bytes(packed), tracked.promises)
