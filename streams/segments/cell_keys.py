"""Which (tenant, service, operation, variant) an event belongs to, as small numbers that live as long as their segment."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.query_event import DEFAULT_TENANT, OPERATIONS, OTHER
from ragpulse.schemas.query_event_rules import is_label

EventKey = tuple[str | None, str, str, str | None]
CellKey = tuple[str, str, str, str]

INVALID: Final = -1
_OTHER_CODE: Final = {operation: code for code, operation in enumerate(OPERATIONS)}


class CellKeys:
    """Codes of keys in a segment. The first codes are `__other__`, one an operation: where what is beyond the cap goes."""

    def __init__(self) -> None:
        self.identities: list[CellKey] = [(OTHER, OTHER, operation, "") for operation in OPERATIONS]
        self._codes: dict[tuple[str | None, ...], int] = {}
        #: Set when the segment has all its cells: a key that has none by then needs no code of its own.
        self.is_full = False

    def codes_of(self, event_keys: Sequence[EventKey]) -> NDArray[np.int64]:
        """Return the code of each key, INVALID where a part of it is no label."""
        known = map(self._codes.get, event_keys)
        codes = [self._code_of(key) if code is None else code for key, code in zip(event_keys, known, strict=True)]
        return np.array(codes, dtype=np.int64)

    def _code_of(self, event_key: EventKey) -> int:
        tenant, service, operation, variant = event_key
        key = (tenant or DEFAULT_TENANT, service, operation, variant or "")
        code = self._codes.get(key)
        if code is None:
            if not (is_label(tenant) and is_label(service) and is_label(variant)):
                return INVALID
            if self.is_full:
                return _OTHER_CODE[operation]
            code = self._codes[key] = len(self.identities)
            self.identities.append(key)
        # An absent tenant or variant has a key of its own in events, and the same cells.
        self._codes[event_key] = code
        return code

    def is_other(self, code: int) -> bool:
        """Say whether a code stands for `__other__`."""
        return code < len(OPERATIONS)

    def other(self, code: int) -> int:
        """Return the code of `__other__` with the same operation."""
        return _OTHER_CODE[self.identities[code][2]]
