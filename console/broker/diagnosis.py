"""From what Java, Kafka or Maven printed to the one line worth quoting. Pure: text in, a line or a cause out."""

import re
from enum import StrEnum


class Cause(StrEnum):
    """Why Kafka ended, where it is known what to do about it."""

    DISK_FULL = "No space left on device"
    PORT_TAKEN = "Address already in use"
    DATA_IN_USE = "Failed to acquire lock on file"


_LONGEST_QUOTE = 300
# Tried in this order, for Kafka logs a cause before its consequences but not always louder.
_TELLING = (
    re.compile("|".join(Cause)),
    re.compile(r"Could not (transfer|find|resolve)|Unknown host|Connection (refused|timed out)|Non-resolvable"),
    re.compile(r"OutOfMemoryError|Could not reserve enough space|initialization of VM|Unrecognized VM option"),
    re.compile(r"^Caused by: |ConfigException|Exception in thread"),
    re.compile(r"^[\w.$]+(Exception|Error): "),
    re.compile(r"\b(FATAL|ERROR)\b"),
    re.compile(r"\S"),
)
_DECORATION = re.compile(
    r"^(\[ERROR\] |[\d-]+T[\d:,.]+ (FATAL|ERROR|WARN) |Caused by: |Exception in thread \S+ )?([\w$]+\.[\w.$]+: )?"
)


def known_cause(text: str) -> Cause | None:
    """Find the cause that has a sentence of its own, if the text shows one."""
    return next((cause for cause in Cause if cause in text), None)


def telling_line(text: str) -> str:
    """Find the line that says most about the failure, without time stamps and level."""
    lines = [line.strip() for line in text.splitlines()]
    for pattern in _TELLING:
        for line in lines:
            if pattern.search(line):
                return _DECORATION.sub("", line)[:_LONGEST_QUOTE].rstrip(".:; ")
    return "it gave no reason"
