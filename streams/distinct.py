"""Distinct counts that merge exactly: HyperLogLog registers, sparse.

Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm", 2007,
with linear counting for small cardinalities. A register's value depends on the set of users alone, never on their order,
so replays and splits give the same bits. (The datasketches HLL keeps an order-dependent estimator and serialises in
insertion order, so its bytes differ between runs; measured on version 5.2.)

A register travels as ``index * 64 + rank``: ascending numbers, highest rank per index.
"""

from hashlib import blake2b
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

Registers = NDArray[np.int64]

INDEX_BITS: Final = 9
REGISTERS: Final = 1 << INDEX_BITS  # standard error 1.04 / sqrt(512) = 4.6 %
_RANK_BITS: Final = 64 - INDEX_BITS
_ALPHA: Final = 0.7213 / (1 + 1.079 / REGISTERS)


def register_of(user: str) -> int:
    """Return the register that a user sets. Keyed only to keep other uses of the hash apart; it is no pseudonym."""
    hashed = int.from_bytes(blake2b(user.encode(), digest_size=8, key=b"ragpulse.distinct.1").digest(), "big")
    rank = _RANK_BITS - (hashed & ((1 << _RANK_BITS) - 1)).bit_length() + 1
    return (hashed >> _RANK_BITS) << 6 | rank


def merge(parts: list[Registers]) -> Registers:
    """Return the union: per index the highest rank, ascending."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return np.empty(0, np.int64)
    packed = np.unique(np.concatenate(parts))
    # Ascending by (index, rank): the last of each index has its highest rank.
    last = np.concatenate((packed[1:] >> 6 != packed[:-1] >> 6, [True])) if len(packed) else np.empty(0, bool)
    return packed[last]


def estimate(registers: Registers) -> int:
    """Return the estimated number of distinct users, rounded."""
    ranks = registers & 63
    empty = REGISTERS - len(registers)
    # Exact powers of two, summed from the same ordered values: the same registers give the same float.
    raw = _ALPHA * REGISTERS**2 / (float(np.sum(np.ldexp(1.0, -ranks))) + empty)
    if raw <= 2.5 * REGISTERS and empty:
        return round(REGISTERS * log(REGISTERS / empty))
    return round(raw)
