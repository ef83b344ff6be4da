"""`ragpulse replay-trace`: a recorded trace as live query events."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ragpulse.agents.kafka_config import connection
from ragpulse.agents.settings import Settings, load_settings
from ragpulse.client import Client
from ragpulse.console.printing import JsonOption, for_programs, print_json, tell
from ragpulse.console.replay import (
    PACKAGED_TRACE,
    Plan,
    duration_seconds,
    parse_fault,
    play,
    read_trace,
    schedule,
    service_names,
)
from ragpulse.schemas.query_event import QueryEvent

app = typer.Typer(add_completion=False)

_WAIT_SECONDS = 60.0


@app.command()
def replay_trace(  # noqa: PLR0913 - the options of a command
    file: Annotated[
        Path, typer.Argument(help="CSV: TIMESTAMP,ContextTokens,GeneratedTokens.", show_default="the packaged trace")
    ] = PACKAGED_TRACE,
    *,
    speed: Annotated[float, typer.Option(help="Gaps between arrivals are divided by it.")] = 1.0,
    services: Annotated[int, typer.Option(help="Spread the requests over this many services.")] = 3,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="What goes wrong, KIND:SERVICE:START-END[:STRENGTH], with KIND latency, outage or quality; times in seconds "
            "(60s-90s) or fractions of the replay (0.3-0.5). Repeat it for more."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")] = 1,
    duration: Annotated[
        float | None, typer.Option(help="Seconds; the trace is cut or repeated.", show_default="the trace once")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send a recorded trace of LLM requests as live query events.

    Arrivals and token counts are those of the trace. Latency, status, quality, cost, users and documents are not in it:
    a seeded model makes them up. Event times are those of sending.
    """
    plan = Plan(
        speed=speed,
        services=services,
        faults=tuple(map(parse_fault, fault or ())),
        seed=seed,
        duration_seconds=duration,
    )
    requests = read_trace(file)
    seconds = duration_seconds(requests, plan)
    tell(f"Sending for {seconds:.0f} s as {', '.join(service_names(services)[:5])}{' …' if services > 5 else ''}.")
    with _client(load_settings()) as client, _progress(seconds) as move_to:
        sent = play(_watched(schedule(requests, plan), move_to), client)
    if for_programs(as_json):
        print_json({"sent": sent})
    else:
        tell(f"{sent:,} events sent.")


def _client(settings: Settings) -> Client:
    target = connection(settings)
    return Client(
        target.bootstrap_servers,
        security=target.security,
        topic_prefix=settings.topic_prefix,
        max_block_seconds=_WAIT_SECONDS,
    )


@contextmanager
def _progress(seconds: float) -> Iterator[Callable[[float], None]]:
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("Replaying", total=seconds)
        yield lambda due_seconds: progress.update(task, completed=due_seconds)


def _watched(
    scheduled: Iterable[tuple[float, QueryEvent]], move_to: Callable[[float], None]
) -> Iterator[tuple[float, QueryEvent]]:
    for due_seconds, event in scheduled:
        move_to(due_seconds)
        yield due_seconds, event
