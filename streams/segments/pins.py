"""Pins in the offset metadata of a commit: what the segment that begins there is built with."""

from dataclasses import dataclass

import msgspec

from ragpulse.schemas.cell import FOLD_VERSION
from ragpulse.schemas.errors import ConfigurationError, ContractError
from ragpulse.schemas.segment import PINS_LIMIT_BYTES, SEGMENT_VERSION, FoldParameters, Pins


class _Versions(msgspec.Struct):
    version: int

    class Parameters(msgspec.Struct):
        """The part of the parameters that says which program can read them."""

        fold_version: int

    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a worker would build segments with. It applies once a commit has pinned it."""

    parameters: FoldParameters
    policy_digest: str


def pins_to_metadata(pins: Pins) -> str:
    """Return the JSON form that travels in the commit.

    Raises:
        ContractError: it is longer than the broker keeps.

    """
    metadata = msgspec.json.encode(pins).decode()
    if len(metadata.encode()) > PINS_LIMIT_BYTES:
        message = f"Pins of {len(metadata)} bytes do not fit into offset metadata ({PINS_LIMIT_BYTES}): shorten the topic's name."
        raise ContractError(message)
    return metadata


def pins_from_metadata(metadata: str) -> Pins | None:
    """Return the pins of a commit, None where its metadata are not ours (a tool that moves offsets drops them).

    Raises:
        ConfigurationError: pinned by a version that folds differently.

    """
    try:
        versions = msgspec.json.decode(metadata, type=_Versions)
    except msgspec.DecodeError:
        return None
    fold_version = versions.parameters.fold_version
    if versions.version > SEGMENT_VERSION or fold_version != FOLD_VERSION:
        message = (
            f"The commit is pinned by fold version {fold_version}, this ragpulse folds by version {FOLD_VERSION}: drain with "
            "the version that wrote it (stop it with SIGTERM and let it commit), then start this one."
        )
        raise ConfigurationError(message)
    try:
        return msgspec.json.decode(metadata, type=Pins)
    except msgspec.DecodeError:
        return None
