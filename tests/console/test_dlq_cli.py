"""`ragpulse dlq`: contents are hidden unless asked for, and sent again byte for byte."""

import json
from collections import Counter

import pytest

from command_line import CommandLine
from ragpulse.agents.settings import load_settings
from ragpulse.client.buffered_producer import BufferedProducer, Record
from ragpulse.client.connection import Connection, Security
from ragpulse.console.record_reader import RecordReader
from ragpulse.schemas.rejected_event import RejectedEvent, RejectionReason
from ragpulse.streams.segments.rejection import Origin, Rejection, rejected_event
from ragpulse.streams.topology import QUERY_EVENTS

NOW_MS = 1_700_000_000_000
REASONS = (RejectionReason.WRONG_TYPE, RejectionReason.INVALID_JSON, RejectionReason.TIME_TOO_OLD)
VALUES = [b'{"secret":%d}' % number for number in range(9)] + [b"\xff\xfe"]
WITHOUT_PAYLOAD = 4


def rejection(number: int, prefix: str) -> RejectedEvent:
    reason = REASONS[number % len(REASONS)]
    origin = Origin(f"{prefix}query-events", number % 4, number, NOW_MS + number, VALUES[number], b"key-%d" % number)
    found = rejected_event(Rejection(reason, "latency_ms", "Expected a number"), origin)
    return found.model_copy(update={"payload_base64": None}) if number == WITHOUT_PAYLOAD else found


@pytest.fixture
def rejections(command_line: CommandLine, kafka: str, topic_prefix: str) -> list[RejectedEvent]:
    """Ten rejected events on the topic, the third of them twice."""
    assert command_line("topics", "create").code == 0
    found = [rejection(number, topic_prefix) for number in range(10)]
    producer = BufferedProducer(
        Connection(kafka, Security()), on_error=None, delivery_timeout_seconds=30, buffer_records=100
    )
    for one in [*found, found[2]]:
        producer.put(Record(f"{topic_prefix}rejected-events", one.to_bytes(), one.id), 5)
    producer.close(30)
    return found


def test_the_list_has_each_once_in_order_and_no_contents(
    command_line: CommandLine, rejections: list[RejectedEvent]
) -> None:
    done = command_line("dlq", "list")

    assert [one.id for one in rejections] == [line["id"] for line in done.json_lines()]
    assert not {"payload_base64", "key_base64"} & done.json_lines()[0].keys()
    assert "secret" not in done.out


def test_the_list_shows_the_newest_and_those_of_a_reason(
    command_line: CommandLine, rejections: list[RejectedEvent]
) -> None:
    newest = command_line("dlq", "list", "--max", "2").json_lines()
    old = command_line("dlq", "list", "--reason", "time_too_old").json_lines()

    assert [one.id for one in rejections[-2:]] == [line["id"] for line in newest]
    assert [rejections[number].id for number in (2, 5, 8)] == [line["id"] for line in old]


def test_an_unknown_reason_is_a_wrong_call(command_line: CommandLine) -> None:
    done = command_line("dlq", "list", "--reason", "boredom")

    assert (64, True) == (done.code, "time_too_old" in done.err)


def test_one_is_shown_without_contents_unless_they_are_asked_for(
    command_line: CommandLine, rejections: list[RejectedEvent]
) -> None:
    plain, with_payload = (command_line("dlq", "show", rejections[1].id, *more) for more in ([], ["--payload"]))

    (fields,) = plain.json_lines()
    assert ("invalid_json", len(VALUES[1]), None) == (fields["reason"], fields["size_bytes"], fields.get("payload"))
    assert fields | {"payload": VALUES[1].decode(), "payload_encoding": "utf-8"} == with_payload.json_lines()[0]


def test_contents_that_are_no_text_are_shown_in_base64(
    command_line: CommandLine, rejections: list[RejectedEvent]
) -> None:
    (fields,) = command_line("dlq", "show", rejections[9].id, "--payload").json_lines()

    assert ("//4=", "base64") == (fields["payload"], fields["payload_encoding"])


def test_an_id_that_is_not_there_is_64(command_line: CommandLine, rejections: list[RejectedEvent]) -> None:
    assert rejections
    assert 64 == command_line("dlq", "show", "0" * 32).code


def test_replay_sends_the_original_bytes_and_keys_to_where_they_came_from(
    command_line: CommandLine, rejections: list[RejectedEvent], topic_prefix: str
) -> None:
    done = command_line("dlq", "replay", "--yes")

    assert [{"sent": 9, "without_payload": 1}] == done.json_lines()
    with RecordReader(load_settings(), QUERY_EVENTS) as reader:
        found = {message.key(): (message.value(), dict(message.headers() or [])) for message in reader.up_to_now()}
    expected = {
        b"key-%d" % one.offset: (
            VALUES[one.offset],
            {"ragpulse-replay-of": f"{topic_prefix}query-events/{one.partition}/{one.offset}".encode()},
        )
        for one in rejections
        if one.offset != WITHOUT_PAYLOAD
    }
    assert expected == found


def test_replay_sends_only_what_is_meant(command_line: CommandLine, rejections: list[RejectedEvent]) -> None:
    chosen = ["--id", rejections[0].id, "--id", rejections[1].id, "--id", rejections[3].id]
    counts = Counter(
        {
            "by reason": command_line("dlq", "replay", "--dry-run", "--reason", "wrong_type").json_lines()[0][
                "would_send"
            ],
            "by id": command_line("dlq", "replay", "--dry-run", *chosen).json_lines()[0]["would_send"],
            "both": command_line("dlq", "replay", "--yes", "--reason", "wrong_type", *chosen).json_lines()[0]["sent"],
        }
    )

    assert {"by reason": 4 - 0, "by id": 3, "both": 2} == dict(counts)


def test_a_dry_run_sends_nothing(command_line: CommandLine, rejections: list[RejectedEvent]) -> None:
    assert len(rejections) - 1 == command_line("dlq", "replay", "--dry-run").json_lines()[0]["would_send"]
    with RecordReader(load_settings(), QUERY_EVENTS) as reader:
        assert [] == list(reader.up_to_now())


def test_where_nobody_can_be_asked_replay_wants_yes(command_line: CommandLine, rejections: list[RejectedEvent]) -> None:
    done = command_line("dlq", "replay")

    assert (64, f"ragpulse: {len(rejections) - 1} rejected events would be sent again: add --yes") == (
        done.code,
        done.err.partition(" where")[0],
    )


def test_an_answer_of_no_sends_nothing(
    command_line: CommandLine, rejections: list[RejectedEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rejections
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", no)

    assert 130 == command_line("dlq", "replay").code


def no(*_: object, **__: object) -> None:
    import typer

    raise typer.Abort


def test_what_is_printed_is_json(command_line: CommandLine, rejections: list[RejectedEvent]) -> None:
    assert rejections
    for line in command_line("dlq", "list").out.splitlines():
        json.loads(line)
