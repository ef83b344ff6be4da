"""`python -m ragpulse.console.broker`, for a checkout without the `ragpulse` command."""

from ragpulse.console.broker.cli import app

app(prog_name="ragpulse broker")
