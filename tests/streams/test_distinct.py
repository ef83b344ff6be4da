"""Distinct counts: registers that merge exactly, and an estimate within the error that the method promises."""

from collections.abc import Callable
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragpulse.streams.distinct import REGISTERS, estimate, merge, register_of, registers_of

USERS = st.lists(st.text(max_size=8), max_size=60)
SHAPES: dict[str, Callable[[int], str]] = {
    "numbers": str,
    "padded": lambda number: f"user-{number:08}",
    "addresses": lambda number: f"u{number}@example.com",
    "uuids": lambda number: str(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)),
}


def counted(users: list[str]) -> list[int]:
    registers: list[int] = merge([registers_of(users), registers_of([])]).tolist()
    return registers


def test_registers_are_those_that_partials_were_written_with() -> None:
    assert [28930, 22273, 18817] == registers_of(["", "user-1", "\u00fc\U0001f600"]).tolist()


@given(USERS)
def test_a_register_depends_on_its_user_alone(users: list[str]) -> None:
    assert [register_of(user) for user in users] == registers_of(users).tolist()


@given(USERS, USERS, USERS)
def test_merging_parts_in_any_order_gives_the_registers_of_the_whole(a: list[str], b: list[str], c: list[str]) -> None:
    parts = [merge([registers_of(users), registers_of([])]) for users in (a, b, c)]

    assert counted(c + b + a + a) == merge(parts).tolist()
    assert counted(a + b + c) == merge([merge([parts[2], parts[0]]), parts[1]]).tolist()


@given(USERS)
def test_registers_ascend_with_one_rank_an_index(users: list[str]) -> None:
    registers = counted(users)

    indices = [register >> 6 for register in registers]
    assert sorted(set(indices)) == indices
    assert all(0 <= index < REGISTERS for index in indices)
    assert all(1 <= register & 63 <= 53 for register in registers)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [1, 10, 100, 1_000, 3_000, 10_000, 100_000])
def test_estimates_stay_within_three_standard_errors(shape: str, count: int) -> None:
    registers = merge([registers_of([SHAPES[shape](number) for number in range(count)]), registers_of([])])

    assert abs(estimate(registers) - count) <= max(1, 3 * 0.046 * count)


def test_nobody_is_nobody() -> None:
    assert 0 == estimate(np.empty(0, dtype=np.int64))
    assert [] == merge([]).tolist()
