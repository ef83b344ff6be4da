from zlib import crc32

import msgspec
import pytest

from fake_ingest import start
from merger_feed import Feed, event, tick
from merger_runs import policy
from ragpulse.schemas.errors import ContractError
from ragpulse.schemas.policy import Policy
from ragpulse.streams.windows.merger import Merger
from ragpulse.streams.windows.snapshot import CHUNK_BYTES

AVAILABLE = policy({"objectives": {"availability": {"threshold": 0.9, "windows": ["1m"]}}})


def filled(services: int = 1, promised: Policy = AVAILABLE) -> Merger:
    feed = Feed(promised)
    log = [event(0, service=f"service-{number}", user=f"user-{number}") for number in range(services)]
    feed.take_all(start([[*log, tick(100_000), event(95_000), tick(101_000)]]))
    return feed.merger


def altered(chunk: bytes, field: int, value: object) -> bytes:
    fields = msgspec.msgpack.decode(chunk)
    fields[field] = value
    return msgspec.msgpack.encode(fields)


def test_a_restored_merger_has_the_same_state_and_offset() -> None:
    merger = filled()
    restored = Merger.restore(merger.snapshot(), AVAILABLE)

    assert merger.snapshot() == restored.snapshot()
    assert merger.standing() == restored.standing()
    assert merger.offset == restored.offset


def test_a_merger_that_has_seen_nothing_can_be_saved() -> None:
    restored = Merger.restore(Merger(AVAILABLE).snapshot(), AVAILABLE)

    assert -1 == restored.offset


def test_a_large_state_is_cut_into_chunks_that_fit_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CHUNK_BYTES < 700_000 - 100
    monkeypatch.setattr("ragpulse.streams.windows.snapshot.CHUNK_BYTES", 1_000)
    chunks = filled(services=10).snapshot()

    assert 3 == len(chunks)
    assert 1_100 > max(map(len, chunks))
    assert chunks == Merger.restore(chunks, AVAILABLE).snapshot()


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        (0, "something else", "is a 'something else' of version 1"),
        (1, 2, "of version 2, this ragpulse reads"),
        (2, 12345, "incomplete"),
        (3, 2, "incomplete"),
        (4, 1, "incomplete"),
        (5, b"", "incomplete"),
        (5, "text", "cannot be read"),
    ],
)
def test_a_chunk_that_does_not_belong_is_refused(field: int, value: object, complaint: str) -> None:
    (chunk,) = filled().snapshot()

    with pytest.raises(ContractError, match=complaint):
        Merger.restore([altered(chunk, field, value)], AVAILABLE)


def test_missing_swapped_and_repeated_chunks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragpulse.streams.windows.snapshot.CHUNK_BYTES", 1_000)
    chunks = filled(services=10).snapshot()

    for wrong in ([], chunks[:-1], chunks[::-1], [*chunks, chunks[-1]]):
        with pytest.raises(ContractError, match="incomplete"):
            Merger.restore(wrong, AVAILABLE)


def test_bytes_that_are_no_chunk_are_refused() -> None:
    with pytest.raises(ContractError, match="cannot be read"):
        Merger.restore([b"\xc1"], AVAILABLE)


def test_a_state_whose_policy_is_not_understood_is_refused() -> None:
    (chunk,) = filled().snapshot()
    whole = msgspec.msgpack.decode(msgspec.msgpack.decode(chunk)[5])
    content = msgspec.msgpack.encode({**whole, "policy": b"{}"})
    wrong = altered(altered(chunk, 5, content), 2, crc32(content))

    with pytest.raises(ContractError, match="made with a policy that this ragpulse refuses"):
        Merger.restore([wrong], AVAILABLE)
