"""The receiver of the demo and of the tests: it keeps each notification once, and counts what came again."""

import http.client
import json
from typing import Any

import pytest

from ragpulse.console.webhook_receiver import Answer, WebhookReceiver


def post(receiver: WebhookReceiver, body: str, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=5)
    try:
        connection.request("POST", "/alerts", body, {"Content-Type": "application/json", **headers})
        return connection.getresponse().status
    finally:
        connection.close()


def notify(receiver: WebhookReceiver, key: str, **body: Any) -> int:
    return post(receiver, json.dumps(body), **{"Idempotency-Key": key})


def test_a_notification_is_kept_by_its_key_and_its_repeats_are_counted() -> None:
    with WebhookReceiver() as receiver:
        assert [notify(receiver, key, title=key) for key in ("a", "b", "a", "a")] == [200] * 4

        assert [(one.key, one.body, one.repeats) for one in receiver.received] == [
            ("a", {"title": "a"}, 2),
            ("b", {"title": "b"}, 0),
        ]
        assert (receiver.requests, receiver.repeats) == (4, 2)


def test_what_comes_without_a_key_is_never_a_repeat() -> None:
    with WebhookReceiver() as receiver:
        assert [post(receiver, "{}"), post(receiver, "{}")] == [200, 200]

        assert (len(receiver.received), receiver.repeats) == (2, 0)


def test_the_oldest_are_forgotten() -> None:
    with WebhookReceiver(kept=2) as receiver:
        for key in ("a", "b", "c"):
            notify(receiver, key)

        assert [one.key for one in receiver.received] == ["b", "c"]


def test_it_answers_as_the_script_says_and_keeps_only_what_it_accepted() -> None:
    with WebhookReceiver([Answer(500), Answer(302, headers={"Location": "/elsewhere"}), Answer(204)]) as receiver:
        assert [notify(receiver, "a") for _ in range(4)] == [500, 302, 204, 200]

        assert [(one.key, one.repeats) for one in receiver.received] == [("a", 1)]


@pytest.mark.parametrize("body", ["", "no json", "[1]", "NaN", "[" * 100_000])
def test_what_is_no_notification_is_refused(body: str) -> None:
    with WebhookReceiver() as receiver:
        assert post(receiver, body) == 400
        assert receiver.requests == 0


def test_a_body_that_is_too_long_is_refused_before_it_is_read() -> None:
    with WebhookReceiver() as receiver:
        assert post(receiver, "", **{"Content-Length": "99999999"}) == 400


def test_one_can_wait_for_what_is_still_on_its_way() -> None:
    with WebhookReceiver() as receiver:
        assert not receiver.wait_for(1, timeout_seconds=0.01)
        notify(receiver, "a")

        assert receiver.wait_for(1, timeout_seconds=1)


def test_each_receiver_has_a_port_of_its_own_on_loopback_and_gives_it_back() -> None:
    with WebhookReceiver() as one, WebhookReceiver() as other:
        assert one.port != other.port
        url = one.apprise_url

    assert url.startswith("json://127.0.0.1:")
    with pytest.raises(ConnectionRefusedError):
        post(one, "{}")
