"""Which partition of `rag.window-partials` a service lives in: Kafka's default partitioner, murmur2 of the key.

The core may not import a Kafka client; a test holds this to aiokafka's murmur2.
"""

from functools import lru_cache
from typing import Final

REMEMBERED_SERVICES: Final = 65_536

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the 32-bit MurmurHash2 (A. Appleby) with the seed of Kafka's Java client, unsigned."""
    whole = len(data) & ~3
    hashed = (_SEED ^ len(data)) & _MASK
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _M & _MASK
        word = (word ^ word >> 24) * _M & _MASK
        hashed = hashed * _M & _MASK ^ word
    if len(data) > whole:
        hashed = (hashed ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    hashed = (hashed ^ hashed >> 13) * _M & _MASK
    return hashed ^ hashed >> 15


@lru_cache(REMEMBERED_SERVICES)
def partition_of(service: str, partitions: int) -> int:
    """Return the partition of a service, as Java's default partitioner would: the hash without its sign bit."""
    return (murmur2(service.encode()) & 0x7FFFFFFF) % partitions
