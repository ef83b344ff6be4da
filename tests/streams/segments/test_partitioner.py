"""Services live where Kafka's own clients would put them."""

import pytest
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from ragpulse.streams.segments.partitioner import murmur2, partition_of


@pytest.mark.parametrize(
    ("key", "expected"),
    # org.apache.kafka.common.utils.UtilsTest.testMurmur2
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_hashes_are_those_of_the_java_client(key: bytes, expected: int) -> None:
    assert expected == (murmur2(key) ^ 0x80000000) - 0x80000000  # as Java's signed int


@given(st.binary(max_size=64))
def test_hashes_are_those_of_aiokafka(key: bytes) -> None:
    assert aiokafka_murmur2(key) & 0xFFFFFFFF == murmur2(key)


@given(st.text(min_size=1), st.integers(1, 1_000))
def test_a_service_lives_in_one_of_the_partitions(service: str, partitions: int) -> None:
    assert 0 <= partition_of(service, partitions) < partitions
