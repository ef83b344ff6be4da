"""`ragpulse verdicts`: follow the SLA verdicts."""

import typer
from rich.text import Text

from ragpulse.console.printing import JsonOption, utc
from ragpulse.console.tail import Fields, FromBeginning, Maximum, Service, TailOptions, Timeout, tail
from ragpulse.streams.topology import SLA_COMPLIANCE

app = typer.Typer(help="SLA verdicts, provisional and final.", no_args_is_help=True, add_completion=False)

_STATUS_STYLES = {"compliant": "green", "violated": "bold red"}
_MINUTE_MS = 60_000


@app.callback()
def _group() -> None:
    """Keep `tail` a command of its own: typer would else merge a single one into its group."""


@app.command("tail")
def tail_(
    as_json: JsonOption = False,
    from_beginning: FromBeginning = False,
    maximum: Maximum = None,
    timeout: Timeout = None,
    service: Service = None,
) -> None:
    """Print verdicts as they are made: provisional ones when they change, final ones once a window."""
    tail(SLA_COMPLIANCE, verdict_line, TailOptions(as_json, from_beginning, maximum, timeout, service))


def verdict_line(verdict: Fields) -> Text:
    """Return one line for people."""
    status, window = str(verdict["status"]), verdict["window"]
    return Text.assemble(
        (f"{utc(window['start_ms'])} +{window['size_ms'] // _MINUTE_MS:>4} min  ", "dim"),
        f"{'final' if verdict['final'] else 'provisional':<12}",
        (f"{status:<18}", _STATUS_STYLES.get(status, "yellow")),
        f"{verdict['tenant']}/{verdict['service']}  ",
        f"P95 {_number(verdict['p95_latency_ms'], ',.0f')} ms  ",
        f"availability {_number(verdict['availability'], '.4f')}  ",
        f"quality {_number(verdict['average_quality_score'], '.3f')}  ",
        (f"of {verdict['samples']:,}", "dim"),
    )


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
