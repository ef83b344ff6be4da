"""`ragpulse lag`: how far each role is behind."""

from dataclasses import asdict

import typer

from ragpulse.agents.settings import load_settings
from ragpulse.console.lag import Lag, lags
from ragpulse.console.printing import JsonOption, for_programs, print_json, print_table

app = typer.Typer(add_completion=False)


@app.command()
def lag(as_json: JsonOption = False) -> None:
    """Show how far each role is behind, by partition.

    Records of an open segment are read and counted, but committed only when it ends: a lag of a few seconds is normal for
    ingest while events come.
    """
    found = lags(load_settings())
    if for_programs(as_json):
        for one in found:
            print_json(asdict(one))
        return
    print_table(("role", "topic", "partition", "committed", "end", "lag", "age"), map(_row, found))


def _row(lag: Lag) -> tuple[str, ...]:
    committed = "-" if lag.committed is None else f"{lag.committed:,}"
    age = "-" if lag.age_seconds is None else f"{lag.age_seconds:,.1f} s"
    return lag.role, lag.topic, str(lag.partition), committed, f"{lag.end:,}", f"{lag.lag:,}", age
