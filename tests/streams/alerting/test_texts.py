"""What people read, and that nothing of an event but labels and numbers gets there."""

from typing import Any

import pytest

from alert_timelines import ENDED, NOT_CONFIRMED, at, messages, run
from golden_files import Golden
from ragpulse.schemas.sla import ObjectiveName
from ragpulse.streams.alerting.texts import amount, label


def test_the_texts_of_notifications_are_current(golden: Golden) -> None:
    plain: dict[str, Any] = {"threshold": 2.5, "current_value": 3.2, "unit": "s"}
    percent: dict[str, Any] = {"threshold": 99.5, "current_value": 93.25, "unit": "percent"}
    outcomes = run(
        [
            at(0).violation(),
            at(60).violation(ENDED, current_value=1800.0),
            at(90).violation(began=90),
            at(99).violation(NOT_CONFIRMED, began=90, current_value=2100.0),
            at(100).violation(service="chat", tenant="acme", window="1m", **plain),
            at(100).violation(objective=ObjectiveName.AVAILABILITY),
            at(100).violation(objective=ObjectiveName.AVAILABILITY, service="chat", window="30m", **percent),
            at(100).violation(objective=ObjectiveName.QUALITY_SCORE),
            at(160).violation(ENDED, ObjectiveName.QUALITY_SCORE, current_value=None),
            at(200).pipeline("opened"),
            at(260).pipeline("ended"),
        ],
    )

    golden(
        "tests/golden/alert_texts.txt",
        "\n".join(f"{message.title}\n\n{message.body}\n\n{'-' * 100}\n" for message in messages(outcomes)),
    )


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("search-eu.v2:blue/1", "search-eu.v2:blue/1"),
        ("Suche für Ärzte", "Suche für Ärzte"),
        ("a\nb\r\x00\x1b[31m", "a_b____31m"),
        ("<!channel> @here <b>&", "__channel_ _here _b__"),
        ("[click](http://x)", "_click__http://x_"),
        ("\u202eevil\u2066", "_evil_"),
    ],
)
def test_a_label_cannot_carry_mark_up_a_mention_or_a_control_character(raw: str, shown: str) -> None:
    assert label(raw) == shown


def test_labels_are_made_fit_in_every_text() -> None:
    hostile = "<@here>\n"

    (message,) = messages(run([at(0).violation(service=hostile, tenant=hostile)]))

    assert "<" not in message.title + message.body
    assert len(message.body.splitlines()) == 7


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (3211.26953125, "ms", "3211.27 ms"),
        (0.99949, "ratio", "0.99949"),
        (99.95, "percent", "99.95 %"),
        (2.5, "s", "2.5 s"),
    ],
)
def test_figures_are_short_and_never_rounded_onto_their_limit(value: float, unit: str, shown: str) -> None:
    assert amount(value, unit) == shown
