"""How deep JSON is nested, without parsing it.

msgspec gives up by the depth of the *Python* stack, so its verdict would depend on who called it. This one does not.
"""

import re
from typing import Final

# A string (an unterminated one reaches to the end, so that the scan stays linear) or a bracket outside of strings.
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_STEP: Final = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}


def is_deeper_than(value: bytes, limit: int) -> bool:
    """Say whether objects and arrays are nested in more than ``limit`` levels."""
    # Sufficient and cheap: who opens few brackets cannot nest deeply.
    if value.count(b"{") + value.count(b"[") <= limit:
        return False
    depth = 0
    for token in _TOKEN.finditer(value):
        depth += _STEP.get(token.group(), 0)
        if depth > limit:
            return True
    return False
