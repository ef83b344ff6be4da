"""`ragpulse emit`: query events from a file of JSON lines."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import rich.progress
import typer
from rich.console import Console

from ragpulse.agents.kafka_config import connection
from ragpulse.agents.settings import Settings, load_settings
from ragpulse.client import Client, InvalidEventError
from ragpulse.client.buffered_producer import BufferedProducer, Record
from ragpulse.client.connection import Connection
from ragpulse.console.printing import JsonOption, for_programs, print_json, tell
from ragpulse.schemas.errors import UsageError
from ragpulse.streams.topology import QUERY_EVENTS

app = typer.Typer(add_completion=False)

STANDARD_INPUT: Final = Path("-")
_SHOWN_LINES: Final = 20
_WAIT_SECONDS: Final = 60.0
_DELIVERY_SECONDS: Final = 120.0
_BUFFER_RECORDS: Final = 100_000

Send = Callable[[bytes], None]


@app.command()
def emit(
    file: Annotated[Path, typer.Argument(help="One JSON object a line; - is standard input.", show_default=False)],
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Send lines as they are, also wrong ones: ingest will reject those.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send query events. Lines that break the contract are told by number and not sent; exit code 65 if there were any."""
    settings = load_settings()
    target = connection(settings)
    with _opened(file) as lines, (_unchecked if unchecked else _checked)(target, settings) as send:
        sent, refused = _send_lines(lines, send)
    result = {"sent": sent, "refused": refused}
    if for_programs(as_json):
        print_json(result)
    else:
        tell(f"{sent:,} sent, {refused:,} refused.")
    if refused:
        raise typer.Exit(InvalidEventError.exit_code)


def _send_lines(lines: Iterable[bytes], send: Send) -> tuple[int, int]:
    sent = refused = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            send(line.rstrip(b"\r\n"))
            sent += 1
        except InvalidEventError as error:
            refused += 1
            if refused <= _SHOWN_LINES:
                tell(f"Line {number}: {error}")
    if refused > _SHOWN_LINES:
        tell(f"And {refused - _SHOWN_LINES:,} lines more.")
    return sent, refused


@contextmanager
def _checked(target: Connection, settings: Settings) -> Iterator[Send]:
    with Client(
        target.bootstrap_servers,
        security=target.security,
        topic_prefix=settings.topic_prefix,
        max_block_seconds=_WAIT_SECONDS,
    ) as client:
        yield lambda line: client.send(_event(line))


@contextmanager
def _unchecked(target: Connection, settings: Settings) -> Iterator[Send]:
    producer = BufferedProducer(
        target, on_error=None, delivery_timeout_seconds=_DELIVERY_SECONDS, buffer_records=_BUFFER_RECORDS
    )
    topic = QUERY_EVENTS.full_name(settings.topic_prefix)
    try:
        yield lambda line: producer.put(Record(topic, line, _key(line)), _WAIT_SECONDS)
    finally:
        producer.close(None)


class _Identified(msgspec.Struct):
    event_id: str


def _key(line: bytes) -> str | None:
    try:
        return msgspec.json.decode(line, type=_Identified).event_id
    except msgspec.DecodeError:
        return None


def _event(line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError as error:
        message = f"The event is refused: it is no JSON object ({error})."
        raise InvalidEventError(message) from error


@contextmanager
def _opened(file: Path) -> Iterator[Iterable[bytes]]:
    if file == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    console = Console(stderr=True)
    try:
        with rich.progress.open(
            file, "rb", description="Sending", console=console, disable=not console.is_terminal
        ) as lines:
            yield lines
    except OSError as error:
        message = f"{file} cannot be read ({error.strerror})."
        raise UsageError(message) from error
