"""Following a topic: the part that `alerts tail` and `verdicts tail` share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

import orjson
import typer
from confluent_kafka import Message
from rich.console import Console
from rich.text import Text

from ragpulse.agents.settings import load_settings
from ragpulse.console.printing import for_programs, print_json, tell
from ragpulse.console.record_reader import RecordReader
from ragpulse.schemas.errors import ContractError
from ragpulse.streams.topology import Topic

FromBeginning = Annotated[bool, typer.Option("--from-beginning", help="Begin with what is there already.")]
Maximum = Annotated[int | None, typer.Option("--max", min=1, help="Stop after this many.")]
Timeout = Annotated[float | None, typer.Option("--timeout", min=0, help="Stop after this many seconds.")]
Service = Annotated[str | None, typer.Option(help="Only of this service.")]

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TailOptions:
    """What the user asked for."""

    as_json: bool
    from_beginning: bool
    maximum: int | None
    timeout_seconds: float | None
    service: str | None = None


def tail(topic: Topic, line: Callable[[Fields], Text], options: TailOptions) -> None:
    """Print records of a topic as they come: their JSON, or a line for people. Ctrl-C ends it well.

    Raises:
        BrokerUnavailableError, CredentialsError, ConfigurationError: see `RecordReader`.
        ContractError: a record is no JSON.

    """
    programs, console = for_programs(options.as_json), Console(soft_wrap=True)
    try:
        with RecordReader(load_settings(), topic) as reader:
            if not programs:
                tell("Waiting for records; Ctrl-C stops.")
            for record in islice(_wanted(reader, options), options.maximum):
                if programs:
                    print_json(record)
                else:
                    console.print(line(record))
    except KeyboardInterrupt:
        return


def _wanted(reader: RecordReader, options: TailOptions) -> Iterator[Fields]:
    followed = reader.follow(from_beginning=options.from_beginning, timeout_seconds=options.timeout_seconds)
    for message in followed:
        record = fields_of(message)
        if options.service is None or record.get("service") == options.service:
            yield record


def fields_of(message: Message) -> Fields:
    """Return a record of ragpulse's own topics.

    Raises:
        ContractError: it is no JSON object; the text says where it is.

    """
    try:
        fields = orjson.loads(message.value() or b"")
    except orjson.JSONDecodeError as error:
        raise _no_object(message) from error
    if not isinstance(fields, dict):
        raise _no_object(message)
    return fields


def _no_object(message: Message) -> ContractError:
    place = f"{message.topic()}, partition {message.partition()}, offset {message.offset()}"
    return ContractError(f"The record at {place} is no JSON object: was it written by another program?")
