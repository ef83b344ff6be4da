"""An address is a secret, and so is each part of it."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragpulse.agents.redaction import TALKATIVE, LogGuard, Redactor, mask

URL = "jsons://scott:t%2Fig3r@hooks.example.com/T0CANARY/B0CANARY/?+X-Token=c4n4ry&rto=5#room-canary"


@pytest.mark.parametrize(
    "part",
    [
        URL,
        URL.upper(),
        "scott",
        "t/ig3r",
        "t%2Fig3r",
        "hooks.example.com",
        "T0CANARY",
        "t0canary",
        "c4n4ry",
        "room-canary",
    ],
)
def test_each_part_of_an_address_is_replaced(part: str) -> None:
    assert Redactor([URL])(f"Could not reach {part}: timeout") == f"Could not reach {mask(URL)}: timeout"


def test_addresses_that_nobody_configured_are_replaced_too() -> None:
    shown = Redactor([])("POST https://other.example.com/secret?x=y failed")

    assert shown.startswith("POST https://#")
    assert "secret" not in shown


def test_two_addresses_can_be_told_apart_and_not_read() -> None:
    assert mask("slack://a/b/c") != mask("slack://a/b/d")
    assert mask("slack://a/b/c").startswith("slack://#")
    assert mask("no url at all").startswith("unknown://#")
    assert mask("sec ret://x").startswith("unknown://#")


@given(st.text(max_size=30), st.text(max_size=60))
def test_whatever_stands_for_an_address_the_filter_works(url: str, text: str) -> None:
    shown = Redactor([url, "", "json://"])(f"{text} {url}")

    assert len(url.strip()) < 4 or url.strip().lower() not in shown.lower() or url.strip().lower() in mask(url)


@pytest.fixture
def _guarded() -> Iterator[None]:
    guard = LogGuard(Redactor([URL])).install()
    yield
    guard.remove()


@pytest.mark.usefixtures("_guarded")
@pytest.mark.parametrize("name", TALKATIVE)
def test_warnings_pass_without_addresses_and_without_tracebacks(name: str, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger(name).warning("Failed: %s", URL, exc_info=OSError(URL))

    assert caplog.messages == [f"Failed: {mask(URL)}"]
    assert "CANARY" not in caplog.text


@pytest.mark.usefixtures("_guarded")
@pytest.mark.parametrize("name", TALKATIVE)
def test_what_is_below_a_warning_does_not_pass_whatever_the_level(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger=name):
        logging.getLogger(name).debug("Payload: %s", "the whole message")

    assert caplog.messages == []


def test_a_guard_leaves_the_loggers_as_they_were() -> None:
    before = [(logging.getLogger(name).level, list(logging.getLogger(name).filters)) for name in TALKATIVE]

    LogGuard(Redactor([URL])).install().remove()

    after = [(logging.getLogger(name).level, list(logging.getLogger(name).filters)) for name in TALKATIVE]
    assert before == after
