"""How commands print: tables for people on a terminal, JSON lines for programs in a pipe."""

import sys
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON lines; always so in a pipe.")]


def for_programs(as_json: bool) -> bool:
    """Say whether to print JSON lines: asked for, or nobody looks."""
    return as_json or not sys.stdout.isatty()


def print_json(value: Any) -> None:
    """Print one JSON line, at once."""
    sys.stdout.write(orjson.dumps(value).decode() + "\n")
    sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], whole: Collection[str] = ()) -> None:
    """Print a table; columns of ``whole`` are never broken. Cells may hold rich's markup: escape what comes from outside."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column in whole, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def tell(sentence: str) -> None:
    """Say something that is no result, on stderr."""
    typer.echo(sentence, err=True)


def utc(at_ms: int) -> str:
    """Return a time for people, in UTC to the second."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
