"""Reading traces."""

from pathlib import Path

import pytest

from ragpulse.console.replay import Request, read_trace
from ragpulse.schemas.errors import UsageError

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


def trace(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "trace.csv"
    file.write_text(text)
    return file


def test_the_packaged_trace_is_whole() -> None:
    requests = read_trace()

    assert (19_366, Request(0.0, 374, 44), 3501) == (len(requests), requests[0], int(requests[-1].offset_seconds))
    assert requests == sorted(requests, key=lambda request: request.offset_seconds)


def test_arrivals_are_sorted_and_counted_from_the_first(tmp_path: Path) -> None:
    rows = "2023-11-16 18:00:02.5000000,3,4\n2023-11-16 18:00:01,1,2\n2023-11-16T19:00:02+01:00,5,6\n\n"

    assert [Request(0.0, 1, 2), Request(1.0, 5, 6), Request(1.5, 3, 4)] == read_trace(trace(tmp_path, HEADER + rows))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: a trace begins with TIMESTAMP,ContextTokens,GeneratedTokens"),
        ("time,in,out\n", "line 1: a trace begins with"),
        (HEADER, "holds no requests"),
        (HEADER + "2023-11-16 18:00:00,1,2\n2023-11-16 18:00:00,1\n", "line 3: 2 columns instead of 3"),
        (HEADER + "yesterday,1,2\n", "line 2: Invalid isoformat string: 'yesterday'"),
        (HEADER + "2023-11-16 18:00:00,1.5,2\n", "line 2: invalid literal for int"),
        (HEADER + "2023-11-16 18:00:00,-1,2\n", "line 2: -1 tokens is outside 0 to"),
    ],
)
def test_a_file_of_another_form_is_refused_with_the_line(tmp_path: Path, text: str, told: str) -> None:
    file = trace(tmp_path, text)

    with pytest.raises(UsageError) as caught:
        read_trace(file)

    assert str(caught.value).startswith(str(file))
    assert told in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"TIMESTAMP,ContextTokens,GeneratedTokens\n" + b"x" * 200_000])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "trace.csv"
    file.write_bytes(content)

    with pytest.raises(UsageError, match="cannot be read as a trace"):
        read_trace(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no\.csv cannot be read"):
        read_trace(tmp_path / "no.csv")
