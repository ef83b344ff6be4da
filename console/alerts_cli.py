"""`ragpulse alerts`: follow the alerts."""

import typer
from rich.text import Text

from ragpulse.console.printing import JsonOption, utc
from ragpulse.console.tail import Fields, FromBeginning, Maximum, Service, TailOptions, Timeout, tail
from ragpulse.streams.topology import ALERTS

app = typer.Typer(help="What users subscribe to.", no_args_is_help=True, add_completion=False)

_STATE_STYLES = {"firing": "bold red", "resolved": "green"}


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
    """Print alert transitions as they happen."""
    tail(ALERTS, alert_line, TailOptions(as_json, from_beginning, maximum, timeout, service))


def alert_line(alert: Fields) -> Text:
    """Return one line for people."""
    state = str(alert["state"])
    return Text.assemble(
        (f"{utc(alert['at_ms'])}  ", "dim"),
        (f"{state.upper():<9}", _STATE_STYLES.get(state, "yellow")),
        f"{alert['severity']:<9}{alert['tenant'] or '-'}/{alert['service'] or '-'}  ",
        (str(alert["title"]), "bold"),
        f"  {alert['summary']}",
    )
