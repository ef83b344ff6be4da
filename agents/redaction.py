"""Keeps the addresses of channels out of the logs: an Apprise URL is a secret, and so is each of its parts.

Apprise and the HTTP library below it print URLs, headers and payloads: at DEBUG all of them, at ERROR URLs that cannot
be read. So their loggers speak from WARNING on, and what they say passes a filter.
"""

import logging
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, Self
from urllib.parse import unquote, unquote_plus

#: Loggers that are handed an address. A filter acts on the logger it is attached to only, so each is named.
TALKATIVE: Final = ("apprise", "urllib3.connection", "urllib3.connectionpool", "urllib3.response", "urllib3.util.retry")
_FAMILIES: Final = ("apprise", "urllib3", "requests", "requests_oauthlib", "oauthlib", "slixmpp", "paho")
#: Shorter parts are ports, "yes" and the like: they are no secret, and would tear holes into every sentence.
_SHORTEST_PART: Final = 4
_SEPARATORS: Final = re.compile(r"[/?&=#@:;,\s]+")
_ANY_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://(?!#[0-9a-f]{8}\b)[^\s\"'<>]*", re.IGNORECASE)


def mask(url: str) -> str:
    """Return what may be shown of an address: its scheme, and 8 hex digits by which two of them can be told apart."""
    scheme, separator, _ = url.strip().partition("://")
    known = scheme.lower() if separator and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) else "unknown"
    return f"{known}://#{sha256(url.encode()).hexdigest()[:8]}"


class Redactor:
    """Replaces each configured URL, each part of one, and whatever else looks like a URL."""

    def __init__(self, urls: Iterable[str]) -> None:
        self._masks = {part.lower(): mask(url) for url in urls for part in _parts(url)}
        longest_first = sorted(self._masks, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)

    def __call__(self, text: str) -> str:
        """Return the text without addresses."""
        known = self._pattern.sub(lambda match: self._masks.get(match[0].lower(), "#"), text)
        return _ANY_URL.sub(lambda match: mask(match[0]), known)


def _parts(url: str) -> set[str]:
    """Return the URL and its parts, as written and decoded: schemes of Apprise put tokens anywhere, also in the host."""
    _, _, behind = url.partition("://")
    forms = {behind or url, unquote(behind or url), unquote_plus(behind or url)}
    pieces = {piece for form in forms for piece in _SEPARATORS.split(form)}
    pieces |= {decoded for piece in pieces for decoded in (unquote(piece), unquote_plus(piece))}
    return {piece for piece in {url.strip(), *forms, *pieces} if len(piece) >= _SHORTEST_PART}


class LogGuard(logging.Filter):
    """Stands between Apprise and the logs, from `install` to `remove`."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor
        self._levels: dict[str, int] = {}

    def install(self) -> Self:
        """Attach to the loggers that are handed addresses."""
        for name in _FAMILIES:
            self._levels[name] = logging.getLogger(name).level
            logging.getLogger(name).setLevel(logging.WARNING)
        for name in TALKATIVE:
            logging.getLogger(name).addFilter(self)
        return self

    def remove(self) -> None:
        """Detach."""
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
        for name in TALKATIVE:
            logging.getLogger(name).removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Let warnings pass without addresses. What is below may hold the payload; tracebacks may hold anything."""
        record.msg, record.args = self._redactor(record.getMessage()), ()
        record.exc_info = record.exc_text = record.stack_info = None
        return record.levelno >= logging.WARNING
