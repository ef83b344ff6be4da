"""`ragpulse dlq`: list, show and replay rejected events."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import nlargest
from typing import Annotated, Any

import typer
from rich.markup import escape

from ragpulse.agents.kafka_config import connection
from ragpulse.agents.settings import load_settings
from ragpulse.console.dead_letters import Filter, payload, redacted, rejected_events, send_again
from ragpulse.console.printing import JsonOption, for_programs, print_json, print_table, tell, utc
from ragpulse.schemas.errors import UsageError
from ragpulse.schemas.rejected_event import RejectedEvent, RejectionReason

app = typer.Typer(help="Rejected events (the dead letter).", no_args_is_help=True, add_completion=False)

Reasons = Annotated[
    list[RejectionReason] | None, typer.Option("--reason", help="Only of this reason; repeat for more.")
]
Ids = Annotated[list[str] | None, typer.Option("--id", help="Only this rejection; repeat for more.")]


@app.command("list")
def list_(
    reason: Reasons = None,
    maximum: Annotated[int, typer.Option("--max", min=1, max=100_000, help="At most the newest so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List rejected events, oldest first: reason, field, origin and size. Contents are not shown: see `show --payload`."""
    counts: Counter[str] = Counter()
    found = _counted(rejected_events(load_settings(), Filter(frozenset(reason or ()))), counts)
    newest = nlargest(maximum, found, key=lambda rejected: (rejected.at_ms, rejected.id))[::-1]
    if for_programs(as_json):
        for rejected in newest:
            print_json(redacted(rejected))
        return
    print_table(
        ("id", "reason", "field", "origin", "bytes", "rejected (UTC)"), map(_row, newest), whole=("id", "reason")
    )
    reasons = ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
    tell(f"{len(newest):,} of {counts.total():,} shown, without their contents{': ' if reasons else ''}{reasons}.")


@app.command()
def show(
    rejection_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    with_payload: Annotated[
        bool, typer.Option("--payload", help="Also print the original bytes; they may hold personal data.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one rejected event."""
    found = next(rejected_events(load_settings(), Filter(ids=frozenset({rejection_id}))), None)
    if found is None:
        message = f"There is no rejected event {rejection_id!r}: `ragpulse dlq list` shows their ids."
        raise UsageError(message)
    fields = redacted(found) | (_content(found) if with_payload else {})
    if for_programs(as_json):
        print_json(fields)
        return
    print_table(("field", "value"), ((name, escape(str(value))) for name, value in fields.items()))
    if not with_payload:
        tell("The original bytes may hold personal data and are not shown: --payload prints them.")


@app.command()
def replay(
    reason: Reasons = None,
    rejection_id: Ids = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many would be sent, and send none.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send rejected events again, byte for byte, to the topic they came from: after ingest or the policy was corrected.

    The rejections stay where they are, so a second replay sends them again. What is rejected meanwhile is not sent.
    """
    settings, wanted = load_settings(), Filter(frozenset(reason or ()), frozenset(rejection_id or ()))
    if dry_run or not yes:
        count = sum(1 for it in rejected_events(settings, wanted) if payload(it))
        if dry_run:
            _tell_result({"would_send": count}, f"{count:,} would be sent.", as_json)
            return
        _confirm(count)
    sent, without = send_again(connection(settings), rejected_events(settings, wanted))
    sentence = f"{sent:,} sent again" + (f", {without:,} had no content to send." if without else ".")
    _tell_result({"sent": sent, "without_payload": without}, sentence, as_json)


def _counted(found: Iterable[RejectedEvent], counts: Counter[str]) -> Iterator[RejectedEvent]:
    for rejected in found:
        counts[rejected.reason] += 1
        yield rejected


def _confirm(count: int) -> None:
    if not sys.stdin.isatty():
        message = f"{count:,} rejected events would be sent again: add --yes where nobody can be asked."
        raise UsageError(message)
    typer.confirm(f"Send {count:,} rejected events again? They count as new events.", abort=True, err=True)


def _tell_result(result: dict[str, Any], sentence: str, as_json: bool) -> None:
    if for_programs(as_json):
        print_json(result)
    else:
        tell(sentence)


def _row(rejected: RejectedEvent) -> tuple[str, ...]:
    origin = f"{rejected.topic}/{rejected.partition}/{rejected.offset}"
    return (
        rejected.id,
        rejected.reason,
        escape(rejected.field or "-"),
        origin,
        f"{rejected.size_bytes:,}",
        utc(rejected.at_ms),
    )


def _content(rejected: RejectedEvent) -> dict[str, str | None]:
    """Return the original bytes as text if they are UTF-8, else in base64."""
    value = payload(rejected)
    if value is None:
        return {"payload": None, "payload_encoding": None}
    try:
        return {"payload": value.decode(), "payload_encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"payload": rejected.payload_base64, "payload_encoding": "base64"}
