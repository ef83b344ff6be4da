"""`ragpulse emit`."""

import io
import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from command_line import CommandLine
from ragpulse.agents.settings import load_settings
from ragpulse.console.record_reader import RecordReader
from ragpulse.streams.topology import QUERY_EVENTS


def event(event_id: str) -> bytes:
    fields = {
        "event_id": event_id,
        "occurred_at_ms": time.time_ns() // 1_000_000,
        "service": "support-bot",
        "operation": "query_processing",
        "status": "error",
    }
    return json.dumps(fields).encode()


def on_the_topic() -> set[tuple[bytes | None, bytes | None]]:
    with RecordReader(load_settings(), QUERY_EVENTS) as reader:
        return {(message.key(), message.value()) for message in reader.up_to_now()}


@pytest.fixture(autouse=True)
def _topics(command_line: CommandLine) -> None:
    assert command_line("topics", "create").code == 0


def test_events_of_a_file_are_sent_under_their_ids(command_line: CommandLine, tmp_path: Path) -> None:
    lines = [event(f"e-{number}") for number in range(100)]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join([*lines, b"", b""]))

    done = command_line("emit", str(tmp_path / "events.jsonl"))

    assert (0, [{"sent": 100, "refused": 0}]) == (done.code, done.json_lines())
    sent = on_the_topic()
    assert {f"e-{number}".encode() for number in range(100)} == {key for key, _ in sent}
    assert {json.dumps(json.loads(line)) for line in lines} == {
        json.dumps(json.loads(value or b"")) for _, value in sent
    }


def test_wrong_lines_are_told_by_number_and_the_others_sent(command_line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join([event("e-1"), b"{", b'{"event_id":"e-2"}', b"[]", event("e-3")]))

    done = command_line("emit", str(file))

    assert (65, [{"sent": 2, "refused": 3}]) == (done.code, done.json_lines())
    assert ["Line 2:", "Line 3:", "Line 4:"] == [line[:7] for line in done.err.splitlines()]
    assert "missing required field `occurred_at_ms`" in done.err
    assert {b"e-1", b"e-3"} == {key for key, _ in on_the_topic()}


def test_many_wrong_lines_are_summed_up(command_line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"{}\n" * 1_500)

    done = command_line("emit", str(file))

    assert (21, "And 1,480 lines more.") == (len(done.err.splitlines()), done.err.splitlines()[-1])


def test_unchecked_lines_are_sent_byte_for_byte(command_line: CommandLine, tmp_path: Path) -> None:
    lines = [b"{", b'{ "event_id" : "e-1" }', b"\xff\xfe", b'{"event_id":1}']
    (tmp_path / "events.jsonl").write_bytes(b"\r\n".join(lines))

    done = command_line("emit", "--unchecked", str(tmp_path / "events.jsonl"))

    assert (0, [{"sent": 4, "refused": 0}]) == (done.code, done.json_lines())
    assert {(None, lines[0]), (b"e-1", lines[1]), (None, lines[2]), (None, lines[3])} == on_the_topic()


def test_standard_input_is_read(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(event("e-1"))))

    assert [{"sent": 1, "refused": 0}] == command_line("emit", "-").json_lines()


def test_a_file_that_is_not_there_is_64(command_line: CommandLine) -> None:
    done = command_line("emit", "/no/such.jsonl")

    assert (64, "ragpulse: /no/such.jsonl cannot be read (No such file or directory).\n") == (done.code, done.err)


def test_a_broker_that_is_gone_is_69(
    command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "events.jsonl").write_bytes(event("e-1"))
    monkeypatch.setenv("RAGPULSE_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr("ragpulse.console.emit_cli._DELIVERY_SECONDS", 0.5)

    done = command_line("emit", "--unchecked", str(tmp_path / "events.jsonl"))

    assert (69, True) == (done.code, "1 failed (1 x Local: Message timed out)" in done.err)


def test_a_reader_that_goes_away_is_no_bug(command_line: CommandLine, tmp_path: Path) -> None:  # noqa: ARG001 - its environment
    (tmp_path / "events.jsonl").write_bytes(event("e-1"))
    command = f"{sys.executable} -m ragpulse.console emit {tmp_path}/events.jsonl | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert "Traceback" not in done.stderr
