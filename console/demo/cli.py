"""`ragpulse demo` and `ragpulse dev`."""

from pathlib import Path
from typing import Annotated

import typer

from ragpulse.console.demo.dev import run_dev
from ragpulse.console.demo.run import DemoOptions, run_demo
from ragpulse.console.replay import PACKAGED_TRACE

demo_app = typer.Typer(add_completion=False)
dev_app = typer.Typer(add_completion=False)


@demo_app.command()
def demo(
    trace: Annotated[
        Path | None, typer.Option(help="Another trace of the form TIMESTAMP,ContextTokens,GeneratedTokens.")
    ] = None,
    speed: Annotated[float, typer.Option(help="Divides the gaps between arrivals.")] = 30.0,
    json: Annotated[bool, typer.Option("--json", help="Print only the summary, as one JSON object.")] = False,
) -> int:
    """Show it all on this machine in about three minutes: real requests, an outage, a latency fault, alerts that arrive.

    Starts an embedded Kafka (or uses RAGPULSE_KAFKA__BOOTSTRAP_SERVERS), one worker a role and a receiver, and ends by
    itself. The exit code is 0 only if every count reconciles.
    """
    return run_demo(DemoOptions(trace or PACKAGED_TRACE, speed, only_json=json))


@dev_app.command()
def dev(
    workers: Annotated[int, typer.Option(min=1, help="Workers of ingest and slo each.")] = 1,
) -> int:
    """Run a broker and all roles on this machine until Ctrl-C; data are kept between runs."""
    return run_dev(workers)
