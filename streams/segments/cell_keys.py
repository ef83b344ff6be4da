"""Which (tenant, service, operation, variant) an event belongs to, as small numbers that live as long as their segment."""

from collections.abc import Iterable
from typing import Final

from ragpulse.schemas.query_event import DEFAULT_TENANT, OPERATIONS, OTHER

EventKey = tuple[str | None, str, str, str | None]
CellKey = tuple[str, str, str, str]

_OTHER_CODE: Final = {operation: code for code, operation in enumerate(OPERATIONS)}


class CellKeys:
    """Codes of keys in a segment. The first codes are `__other__`, one an operation: where what is beyond the cap goes."""

    def __init__(self) -> None:
        self.keys: list[CellKey] = [(OTHER, OTHER, operation, "") for operation in OPERATIONS]
        self._codes: dict[tuple[str | None, ...], int] = {}

    def codes_of(self, event_keys: Iterable[EventKey], *, full: bool) -> list[int]:
        """Return the code of each key. ``full``: the segment has all its cells, so a key without one needs no code."""
        event_keys = list(event_keys)
        known = list(map(self._codes.get, event_keys))
        return [
            self._code_of(key, full=full) if code is None else code for key, code in zip(event_keys, known, strict=True)
        ]

    def _code_of(self, event_key: EventKey, *, full: bool) -> int:
        tenant, service, operation, variant = event_key
        key = (tenant or DEFAULT_TENANT, service, operation, variant or "")
        code = self._codes.get(key)
        if code is None:
            if full:
                return _OTHER_CODE[operation]
            code = self._codes[key] = len(self.keys)
            self.keys.append(key)
        # An absent tenant or variant has a key of its own in events, and the same cells.
        self._codes[event_key] = code
        return code

    def is_other(self, code: int) -> bool:
        """Say whether a code stands for `__other__`."""
        return code < len(OPERATIONS)

    def other(self, code: int) -> int:
        """Return the code of `__other__` with the same operation."""
        return _OTHER_CODE[self.keys[code][2]]
