"""`ragpulse worker ROLE`."""

from typing import Annotated

import typer

from ragpulse.agents.settings import load_settings
from ragpulse.schemas.errors import UsageError
from ragpulse.streams.topology import ROLES

app = typer.Typer(add_completion=False)


@app.command()
def worker(role: Annotated[str, typer.Argument(help="ingest, slo, alerting or notify")]) -> int:
    """Run one worker until SIGTERM or Ctrl-C. Start as many as there are partitions; each takes its share.

    Exit codes: 64 usage, 69 no broker, 70 bug, 75 start it again, 77 credentials, 78 configuration.
    """
    names = [known.name for known in ROLES]
    if role not in names:
        text = f"There is no role {role!r}: choose of {', '.join(names)}."
        raise UsageError(text)
    settings = load_settings()
    from ragpulse.agents.worker import run_worker  # noqa: PLC0415 - Faust takes a second to import: not for a typo

    return run_worker(role, settings)
