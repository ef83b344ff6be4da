"""Pins travel in offset metadata, and a worker that would fold differently refuses them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragpulse.schemas.errors import ConfigurationError, ContractError
from ragpulse.schemas.segment import PINS_LIMIT_BYTES, FoldParameters, Pins
from ragpulse.streams.segments.pins import pins_from_metadata, pins_to_metadata

PINS = st.builds(
    Pins,
    topic_id=st.text(max_size=22),
    parameters=st.builds(FoldParameters, cell_cap=st.integers(1, 10**9), lateness_ms=st.integers(0, 10**15)),
    policy_digest=st.text("0123456789abcdef", min_size=64, max_size=64),
    event_time_ms=st.none() | st.integers(0, 10**15),
    append_ms=st.none() | st.integers(0, 10**15),
    index=st.integers(0, 10**15),
    previous=st.none() | st.text("0123456789abcdef", min_size=32, max_size=32),
)


def pins() -> Pins:
    return Pins(topic_id="t", parameters=FoldParameters(), policy_digest="d")


@given(PINS)
def test_pins_come_back_as_they_were_and_fit_into_the_metadata_of_a_commit(pins: Pins) -> None:
    metadata = pins_to_metadata(pins)

    assert pins == pins_from_metadata(metadata)
    assert len(metadata.encode()) <= PINS_LIMIT_BYTES


@pytest.mark.parametrize(
    "metadata", ["", "moved by a tool", "{}", '{"version":1}', '{"version":1,"parameters":{"fold_version":1}}', "[1]"]
)
def test_metadata_of_others_are_no_pins(metadata: str) -> None:
    assert pins_from_metadata(metadata) is None


@pytest.mark.parametrize("change", [('"fold_version":1', '"fold_version":2'), ('{"version":1', '{"version":2')])
def test_pins_of_another_version_end_the_worker_and_say_what_to_do(change: tuple[str, str]) -> None:
    metadata = pins_to_metadata(pins()).replace(*change)

    with pytest.raises(ConfigurationError, match="drain with the version that wrote it") as raised:
        pins_from_metadata(metadata)
    assert raised.value.exit_code == 78


def test_pins_that_a_broker_would_cut_off_are_refused() -> None:
    with pytest.raises(ContractError, match="do not fit"):
        pins_to_metadata(Pins(topic_id="t" * 5_000, parameters=FoldParameters(), policy_digest="d"))
