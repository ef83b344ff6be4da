"""`ragpulse replay-trace`."""

import json
import time
from pathlib import Path

import pytest

from command_line import CommandLine
from ragpulse.agents.settings import load_settings
from ragpulse.console.record_reader import RecordReader
from ragpulse.streams.topology import QUERY_EVENTS

TRACE = "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(
    f"2023-11-16 18:15:{second:02},{100 + second},50\n" for second in range(60)
)


def test_a_trace_becomes_events_of_the_time_of_sending(command_line: CommandLine, tmp_path: Path) -> None:
    assert command_line("topics", "create").code == 0
    (tmp_path / "trace.csv").write_text(TRACE)
    before_ms = time.time_ns() // 1_000_000

    done = command_line(
        "replay-trace", str(tmp_path / "trace.csv"), "--speed", "100", "--services", "2", "--fault", "outage:*:0-1:1"
    )

    assert (0, [{"sent": 60}]) == (done.code, done.json_lines())
    with RecordReader(load_settings(), QUERY_EVENTS) as reader:
        events = [json.loads(message.value() or b"") for message in reader.up_to_now()]
    assert {"support-bot", "contract-search"} == {event["service"] for event in events}
    assert {"error", "rejected"} >= {event["status"] for event in events}
    assert sorted(100 + second for second in range(60)) == sorted(event["input_tokens"] for event in events)
    span_ms = max(event["occurred_at_ms"] for event in events) - min(event["occurred_at_ms"] for event in events)
    assert 500 <= span_ms < 5000  # 59 s at speed 100
    assert before_ms <= min(event["occurred_at_ms"] for event in events)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["/no/such.csv"], "/no/such.csv cannot be read as a trace"),
        (["--speed", "0"], "The speed 0 is not above 0"),
        (["--fault", "outage"], "'outage' is no fault"),
        (["--fault", "outage:nobody:0-1"], "There is no service 'nobody'"),
    ],
)
def test_what_makes_no_sense_is_64(command_line: CommandLine, arguments: list[str], told: str) -> None:
    done = command_line("replay-trace", *arguments)

    assert (64, True) == (done.code, told in done.err)
