"""Cells of the wire by the names of their columns."""

from ragpulse.schemas.cell import COLUMN, COLUMNS
from ragpulse.schemas.window_partial import Cell


def cell(
    totals: dict[str, int] | None = None, buckets: dict[int, int] | None = None, users: dict[int, int] | None = None
) -> Cell:
    columns = [0] * len(COLUMNS)
    for name, total in (totals or {}).items():
        columns[COLUMN[name]] = total
    while columns and not columns[-1]:
        columns.pop()
    ordered = sorted((buckets or {}).items())
    registers = [index * 64 + rank for index, rank in sorted((users or {}).items())]
    return Cell(
        "acme",
        "search",
        "query_processing",
        "",
        0,
        False,
        columns,
        [b for b, _ in ordered],
        [c for _, c in ordered],
        registers,
    )
