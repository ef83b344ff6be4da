"""`ragpulse`: the command line. Commands live in modules of their own; this one lists them and ends the process."""

import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version as installed_version
from typing import Annotated, Any, Final

import typer
import typer.main

from ragpulse.console.lazy_group import LazyCommand, lazy_group
from ragpulse.schemas.errors import ConfigurationError, RagpulseError, UsageError

_BUG: Final = RagpulseError.exit_code
_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells report it

_RUN: Final = "Run"
_SETUP: Final = "Set up"
_PRODUCE: Final = "Produce"
_READ: Final = "Read"

COMMANDS: Final = (
    LazyCommand("demo", "ragpulse.console.demo.cli", "demo_app", "Everything on this machine: load, a breach, the alert.", _RUN),
    LazyCommand("dev", "ragpulse.console.demo.cli", "dev_app", "Broker and all workers on this machine, without load.", _RUN),
    LazyCommand("worker", "ragpulse.console.worker_cli", "app", "Run one worker: ingest, slo, alerting or notify.", _RUN),
    LazyCommand("broker", "ragpulse.console.broker.cli", "app", "The embedded Kafka of this machine.", _SETUP),
    LazyCommand("topics", "ragpulse.console.topics_cli", "app", "Create, list and check the topics.", _SETUP),
    LazyCommand("policy", "ragpulse.console.policy_cli", "app", "Check the policy file.", _SETUP),
    LazyCommand("emit", "ragpulse.console.emit_cli", "app", "Send query events from a file of JSON lines.", _PRODUCE),
    LazyCommand("replay-trace", "ragpulse.console.replay.cli", "app", "Send a recorded trace as live query events.", _PRODUCE),
    LazyCommand("alerts", "ragpulse.console.alerts_cli", "app", "Follow the alerts.", _READ),
    LazyCommand("verdicts", "ragpulse.console.verdicts_cli", "app", "Follow the SLA verdicts.", _READ),
    LazyCommand("dlq", "ragpulse.console.dlq_cli", "app", "List, show and replay rejected events.", _READ),
    LazyCommand("lag", "ragpulse.console.lag_cli", "app", "How far each role is behind.", _READ),
)  # fmt: skip

app: Final = typer.Typer(
    name="ragpulse",
    cls=lazy_group(COMMANDS),
    no_args_is_help=True,
    help="Watches RAG services on Kafka: SLA verdicts, violations, and alerts that arrive.",
    epilog="Settings are environment variables, RAGPULSE_KAFKA__BOOTSTRAP_SERVERS above all. "
    "In a pipe, commands print JSON lines.",
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ragpulse {installed_version('ragpulse')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Hold the options that come before a command."""


def main() -> None:
    """Run the command line and end the process; exit codes are in `ragpulse.schemas.errors`."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; return the exit code. What went wrong is one sentence on stderr."""
    try:
        result = typer.main.get_command(app).main(list(arguments), prog_name="ragpulse", standalone_mode=False)
    except RagpulseError as error:
        return _told(str(error), error.exit_code)
    except typer.TyperException as error:
        return _told(_usage(error), UsageError.exit_code)
    except typer.Abort:
        return _told("Stopped.", _INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the edge of the process: supervisors know a bug by its code
        return _unexpected(error)
    return result if isinstance(result, int) else 0


def _unexpected(error: Exception) -> int:
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("ragpulse"):
        sentence = f"This command needs {error.name}, which is not installed: pip install 'ragpulse[worker]'."
        return _told(sentence, ConfigurationError.exit_code)
    traceback.print_exception(error)
    return _BUG


def _told(sentence: str, code: int) -> int:
    if sentence:
        typer.echo(f"ragpulse: {sentence}", err=True)
    return code


def _usage(error: Any) -> str:
    """Say what was wrong and where help is; nothing where help was printed instead."""
    sentence = error.format_message()
    context = getattr(error, "ctx", None)
    if not sentence or context is None:
        return str(sentence)
    return f"{sentence}{'' if sentence[-1] in '.?!' else '.'} See `{context.command_path} --help`."


if __name__ == "__main__":
    main()
