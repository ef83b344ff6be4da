"""Who is told."""

from typing import Any

import pytest

from alert_timelines import ENDED, alerts, at, messages, policy, run
from ragpulse.schemas.sla import ObjectiveName
from ragpulse.streams.alerting.book import AlertBook

ALL = {"name": "all", "channels": ["slack"]}


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        ({}, True),
        ({"severities": ["high"]}, True),
        ({"severities": ["low", "critical"]}, False),
        ({"types": ["response_time_sla"]}, True),
        ({"types": ["quality_sla"]}, False),
        ({"service": "sea*"}, True),
        ({"service": "Search"}, False),
        ({"tenant": "default"}, True),
        ({"tenant": "acme"}, False),
        ({"severities": ["high"], "types": ["quality_sla"]}, False),
    ],
)
def test_a_route_counts_when_all_its_conditions_hold(conditions: dict[str, Any], *, told: bool) -> None:
    outcomes = run([at(0).violation()], policy({"name": "some", "channels": ["slack"], **conditions}))

    assert [message.channel for message in messages(outcomes)] == (["slack"] if told else [])


def test_the_first_route_that_fits_counts() -> None:
    critical = {"name": "critical", "severities": ["critical"], "channels": ["pagerduty", "slack"]}

    outcomes = run(
        [at(0).violation(), at(1).violation(objective=ObjectiveName.AVAILABILITY)],
        policy(critical, ALL, {"name": "never", "channels": ["pagerduty"]}),
    )

    assert [(message.channel, message.severity.value) for message in messages(outcomes)] == [
        ("slack", "high"), ("pagerduty", "critical"), ("slack", "critical"),
    ]  # fmt: skip
    assert [alert.why.route for alert in alerts(outcomes)] == ["all", "critical"]


def test_an_alert_without_a_route_is_still_on_record_and_says_that_nobody_was_told() -> None:
    rules = policy({"name": "chat only", "service": "chat", "channels": ["slack"]})

    outcomes = run([at(0).violation(), at(60).violation(ENDED)], rules)

    assert [(alert.state.value, alert.why.route) for alert in alerts(outcomes)] == [
        ("firing", None),
        ("resolved", None),
    ]
    assert messages(outcomes) == []


def test_a_route_may_keep_quiet_about_the_end() -> None:
    outcomes = run([at(0).violation(), at(60).violation(ENDED)], policy({**ALL, "send_resolved": False}))

    assert [message.state.value for message in messages(outcomes)] == ["firing"]
    assert [alert.why.route for alert in alerts(outcomes)] == ["all", "all"]


def test_the_end_is_told_to_those_who_were_told_of_the_beginning_whatever_the_policy_says_by_then() -> None:
    book = AlertBook()
    run([at(0).violation()], policy(ALL), book)

    outcomes = run([at(60).violation(ENDED)], policy({"name": "moved", "channels": ["pagerduty"]}), book)

    assert [(message.channel, message.state.value) for message in messages(outcomes)] == [("slack", "resolved")]


def test_a_channel_that_a_route_names_twice_is_told_once() -> None:
    outcomes = run([at(0).violation()], policy({"name": "twice", "channels": ["slack", "slack"]}))

    assert len(messages(outcomes)) == 1


def test_alerts_of_ragpulse_about_itself_follow_routes_for_every_service_only() -> None:
    rules = policy({"name": "search", "service": "search", "channels": ["pagerduty"]}, ALL)

    outcomes = run([at(15).pipeline("opened")], rules)

    assert [message.channel for message in messages(outcomes)] == ["slack"]
