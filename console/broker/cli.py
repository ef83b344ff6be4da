"""`ragpulse broker`: start, stop and look at the embedded broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from ragpulse.console.broker.errors import UNAVAILABLE
from ragpulse.console.broker.lifecycle import start_broker, stop_broker
from ragpulse.console.broker.places import BOOTSTRAP_SETTING, external_bootstrap_servers
from ragpulse.console.broker.ports import PREFERRED_PORT
from ragpulse.console.broker.status import State, broker_status
from ragpulse.schemas.errors import RagpulseError
from ragpulse.streams.topology import KAFKA_VERSION

app = typer.Typer(
    name="broker",
    help=f"The embedded Apache Kafka {KAFKA_VERSION}: one process, on this machine only.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command()
def start(
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Forget all data at `stop`.")] = False,
    port: Annotated[
        int | None, typer.Option(help=f"The port to listen on; without it {PREFERRED_PORT}, or a free one.")
    ] = None,
) -> None:
    """Start the broker in the background, and return when it answers."""
    with _reported():
        existing = external_bootstrap_servers()
        if existing is not None:
            typer.echo(f"{BOOTSTRAP_SETTING} names the broker {existing}: that one is used and nothing was started.")
            return
        before = broker_status()
        broker = start_broker(ephemeral=ephemeral, port=port, say=typer.echo)
    known = before.broker is not None and before.broker.pid == broker.pid
    how = "already runs" if known else "runs"
    kept = "temporary" if broker.ephemeral else f"in {broker.data_dir}"
    typer.echo(f"Kafka {how} at {broker.bootstrap_servers} (process {broker.pid}, data {kept}).")


@app.command()
def stop() -> None:
    """Stop the broker; its data stays, unless it was started with --ephemeral."""
    with _reported():
        stopped = stop_broker(say=typer.echo)
    if stopped is None:
        typer.echo("No embedded broker runs.")
        return
    typer.echo(f"Kafka at {stopped.bootstrap_servers} was stopped (process {stopped.pid}).")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a sentence.")] = False,
) -> None:
    """Say which broker is used and whether it answers; exit code 69 if none does."""
    with _reported():
        found = broker_status()
    typer.echo(found.to_json() if as_json else found.sentence())
    if found.state not in (State.RUNNING, State.EXTERNAL):
        raise typer.Exit(UNAVAILABLE)


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except RagpulseError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from error
