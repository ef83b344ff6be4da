import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cells import cell
from ragpulse.schemas.cell import COLUMN, COLUMNS
from ragpulse.schemas.errors import ContractError
from ragpulse.schemas.window_partial import Cell
from ragpulse.streams.windows.aggregate import Aggregate, merge_packed, pack_cell, total_of

HUGE = 2**63 - 1


CELLS = st.builds(
    cell,
    st.dictionaries(st.sampled_from(COLUMNS), st.integers(0, 2**60), max_size=8),
    st.dictionaries(st.integers(0, 2_323), st.integers(1, 2**40), max_size=40),
    st.dictionaries(st.integers(0, 511), st.integers(1, 53), max_size=40),
)
AGGREGATES = CELLS.map(Aggregate.of_cell)


@given(AGGREGATES, AGGREGATES, AGGREGATES)
def test_merging_is_associative_and_commutative_to_the_last_bit(a: Aggregate, b: Aggregate, c: Aggregate) -> None:
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(b) == b.merge(a)
    assert hash(a.merge(b)) == hash(b.merge(a))


@given(AGGREGATES)
def test_zero_changes_nothing(a: Aggregate) -> None:
    assert a == a.merge(Aggregate.zero()) == Aggregate.zero().merge(a) == Aggregate.merged([a])
    assert Aggregate.zero() == Aggregate.merged([]) == total_of([])


@given(AGGREGATES)
def test_the_compact_form_is_exact_and_canonical(a: Aggregate) -> None:
    assert a == Aggregate.from_bytes(a.to_bytes())
    assert a.to_bytes() == Aggregate.from_bytes(a.to_bytes()).to_bytes()


@given(CELLS)
def test_the_form_of_the_wire_reads_as_the_same_aggregate(one: Cell) -> None:
    aggregate = Aggregate.from_bytes(pack_cell(one))

    assert one.totals == list(aggregate.totals[: len(one.totals)])
    assert one.bucket_indices == aggregate.bucket_indices.tolist()
    assert one.bucket_counts == aggregate.bucket_counts.tolist()
    assert one.users == aggregate.users.tolist()


@given(st.lists(CELLS, min_size=1, max_size=5))
def test_packed_parts_merge_as_the_aggregates_do(cells: list[Cell]) -> None:
    packed = [pack_cell(one) for one in cells]

    added = Aggregate.zero()
    for one in cells:
        added = added.add(one)

    assert added.to_bytes() == merge_packed(packed) == merge_packed([merge_packed(packed)])
    assert added == total_of(packed)


def test_a_sum_beyond_64_bits_is_exact_in_memory_and_loud_in_the_state() -> None:
    one = Aggregate.of_cell(cell({"latency_sum_us": HUGE}))
    three = Aggregate.merged([one, one, one])

    assert 3 * HUGE == three["latency_sum_us"]
    with pytest.raises(OverflowError):
        three.to_bytes()


def test_cost_is_the_sum_of_its_limbs() -> None:
    one = Aggregate.of_cell(cell({"cost_sum_high": 3, "cost_sum_low": 2**32 - 1}))

    assert 3 * 2**32 + 2**32 - 1 == one.cost_sum_nano_usd
    assert 2 * one.cost_sum_nano_usd == one.merge(one).cost_sum_nano_usd


def test_an_idle_pane_of_ten_events_takes_about_a_hundred_bytes() -> None:
    measured = {
        name: 10 if name.endswith("count") else 4_000_000
        for name in COLUMNS[: COLUMN["documents_sum"] + 1]
        if name not in ("duplicate_count", "too_late_count", "latency_zero_count", "cost_sum_high")
        and not name.startswith(("status_", "rating_"))
    }
    buckets = dict.fromkeys(range(1_150, 1_250, 10), 1)
    users = dict.fromkeys(range(0, 500, 50), 2)

    assert 120 > len(Aggregate.of_cell(cell(measured, buckets, users)).to_bytes())


@pytest.mark.parametrize("packed", [b"", b"\x00", msgspec.msgpack.encode([9, [], [], [], [], []])])
def test_a_pane_of_another_version_is_refused(packed: bytes) -> None:
    with pytest.raises(ContractError, match="pane in the state cannot be read"):
        Aggregate.from_bytes(packed)
