"""Traces in the form of Azure's LLM inference traces: TIMESTAMP, ContextTokens, GeneratedTokens."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from ragpulse.schemas.errors import UsageError
from ragpulse.schemas.query_event import MAX_TOKENS

PACKAGED_TRACE: Final = Path(__file__).with_name("azure_llm_conv_2023.csv")
COLUMNS: Final = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the trace."""

    offset_seconds: float  # since the first request
    input_tokens: int
    output_tokens: int


def read_trace(file: Path = PACKAGED_TRACE) -> list[Request]:
    """Return the requests in the order of their arrival.

    Raises:
        UsageError: the file is not there or not of this form; the text names file, line and what is wrong.

    """
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            arrivals = sorted(_arrivals(file, lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{file} cannot be read as a trace ({error})."
        raise UsageError(message) from error
    if not arrivals:
        message = f"{file} holds no requests."
        raise UsageError(message)
    first = arrivals[0][0]
    return [Request((at - first).total_seconds(), inputs, outputs) for at, inputs, outputs in arrivals]


def _arrivals(file: Path, lines: TextIO) -> Iterator[tuple[datetime, int, int]]:
    rows = csv.reader(lines)
    header = next(rows, [])
    if tuple(header) != COLUMNS:
        message = f"{file}, line 1: a trace begins with {','.join(COLUMNS)}."
        raise UsageError(message)
    for row in rows:
        if row:  # a blank line at the end is usual
            try:
                yield _arrival(row)
            except ValueError as error:
                message = f"{file}, line {rows.line_num}: {error}."
                raise UsageError(message) from error


def _arrival(row: list[str]) -> tuple[datetime, int, int]:
    if len(row) != len(COLUMNS):
        message = f"{len(row)} columns instead of {len(COLUMNS)}"
        raise ValueError(message)
    at = datetime.fromisoformat(row[0])
    # The trace gives no zone; only differences count.
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC), _tokens(row[1]), _tokens(row[2])


def _tokens(text: str) -> int:
    count = int(text)
    if not 0 <= count <= MAX_TOKENS:
        message = f"{count} tokens is outside 0 to {MAX_TOKENS}"
        raise ValueError(message)
    return count
