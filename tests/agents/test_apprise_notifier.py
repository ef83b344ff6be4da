"""Delivery through Apprise, to a real web server: delivered is what the receiver has, and nothing of an address leaks."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from apprise import AppriseResult
from pydantic import SecretStr

from notifications import StandingClock, closed_port, notification
from ragpulse.agents.apprise_notifier import AppriseNotifier
from ragpulse.agents.delivery import deliver
from ragpulse.agents.notifier import Attempt, Verdict
from ragpulse.agents.redaction import TALKATIVE
from ragpulse.agents.settings import NotifySettings
from ragpulse.console.webhook_receiver import Answer, WebhookReceiver
from ragpulse.schemas.alert import AlertState, Delivery, DeliveryOutcome
from ragpulse.schemas.sla import Severity

CANARY = "c4n4ry"


@asynccontextmanager
async def channels(urls: Mapping[str, str], deadline_seconds: float = 5.0) -> AsyncIterator[AppriseNotifier]:
    notifier = AppriseNotifier({name: SecretStr(url) for name, url in urls.items()}, deadline_seconds)
    try:
        yield notifier
    finally:
        notifier.close()


async def delivered(url: str, *, attempts: int = 4, deadline_seconds: float = 5.0) -> Delivery:
    async with channels({"hook": url}, deadline_seconds) as notifier:
        return await deliver(notification(), notifier, StandingClock(), NotifySettings(attempts=attempts))


async def test_the_receiver_gets_the_texts_and_what_it_needs_to_drop_repeats() -> None:
    with WebhookReceiver() as receiver:
        delivery = await delivered(receiver.apprise_url + "/team?+X-Token=mine")

    message, (received,) = notification(), receiver.received
    assert delivery.outcome is DeliveryOutcome.DELIVERED
    assert (received.key, received.path, received.headers["x-token"]) == (message.id, "/alerts/team", "mine")
    assert received.body == {
        "version": "1.0",
        "title": message.title,
        "message": message.body,
        "attachments": [],
        "type": "failure",
        "id": message.id,
        "alert_id": message.alert_id,
        "state": "firing",
        "severity": "high",
    }


@pytest.mark.parametrize("scheme", ["xml", "form"])
async def test_the_other_web_hooks_carry_the_key_too(scheme: str) -> None:
    with WebhookReceiver() as receiver:
        delivery = await delivered(receiver.apprise_url.replace("json", scheme, 1))

    assert delivery.outcome is DeliveryOutcome.DELIVERED
    assert receiver.received[0].key == notification().id
    assert notification().alert_id in str(receiver.received[0].body)


@pytest.mark.parametrize(
    ("state", "severity", "kind"),
    [
        (AlertState.FIRING, Severity.CRITICAL, "failure"),
        (AlertState.FIRING, Severity.MEDIUM, "warning"),
        (AlertState.RESOLVED, Severity.CRITICAL, "success"),
    ],
)
async def test_the_kind_of_message_says_how_urgent_it_is(state: AlertState, severity: Severity, kind: str) -> None:
    with WebhookReceiver() as receiver:
        async with channels({"hook": receiver.apprise_url}) as notifier:
            await notifier.notify(notification(state=state, severity=severity))

    assert receiver.received[0].body["type"] == kind


async def test_an_error_of_the_receiver_is_tried_again_under_the_same_key() -> None:
    with WebhookReceiver([Answer(500), Answer(200)]) as receiver:
        delivery = await delivered(receiver.apprise_url)

    assert (delivery.outcome, delivery.attempts, delivery.detail) == (DeliveryOutcome.DELIVERED, 2, "")
    assert (receiver.requests, len(receiver.received)) == (2, 1)


async def test_a_repeat_of_what_arrived_is_known_by_its_key() -> None:
    with WebhookReceiver() as receiver:
        first, second = await delivered(receiver.apprise_url), await delivered(receiver.apprise_url)

    assert (first, receiver.repeats) == (second, 1)


@pytest.mark.parametrize(
    ("status", "attempts"), [(400, 1), (401, 1), (403, 1), (404, 2), (429, 2), (500, 2), (503, 2), (302, 2)]
)
async def test_a_refusal_is_final_and_everything_else_is_tried_again(status: int, attempts: int) -> None:
    with WebhookReceiver([Answer(status)] * 4) as receiver:
        delivery = await delivered(receiver.apprise_url, attempts=2)

    assert (delivery.outcome, delivery.attempts) == (DeliveryOutcome.FAILED, attempts)
    assert delivery.detail == f"the receiver answered HTTP {status}"
    assert receiver.received == []


async def test_a_redirect_is_not_followed() -> None:
    with WebhookReceiver() as other:
        answer = Answer(307, headers={"Location": f"http://127.0.0.1:{other.port}/elsewhere"})
        with WebhookReceiver([answer]) as receiver:
            delivery = await delivered(receiver.apprise_url, attempts=1)

    assert delivery.outcome is DeliveryOutcome.FAILED
    assert other.requests == 0


async def test_a_receiver_that_cannot_be_reached_is_a_failure() -> None:
    delivery = await delivered(f"json://127.0.0.1:{closed_port()}/alerts")

    assert (delivery.outcome, delivery.attempts) == (DeliveryOutcome.FAILED, 4)
    assert delivery.detail == "the receiver cannot be reached or does not answer"


async def test_a_receiver_that_answers_late_but_in_time_has_got_it_once() -> None:
    # Apprise itself stops reading after 4 s, and would make a repeat of it.
    with WebhookReceiver([Answer(delay_seconds=4.3)]) as receiver:
        delivery = await delivered(receiver.apprise_url, deadline_seconds=8)

    assert (delivery.outcome, delivery.attempts, receiver.requests) == (DeliveryOutcome.DELIVERED, 1, 1)


async def test_past_the_deadline_it_is_tried_again_though_it_may_have_arrived() -> None:
    with WebhookReceiver([Answer(delay_seconds=3)]) as receiver:
        delivery = await delivered(receiver.apprise_url, deadline_seconds=1)

    assert (delivery.outcome, delivery.attempts) == (DeliveryOutcome.DELIVERED, 2)
    assert (len(receiver.received), receiver.repeats) == (1, 1)


async def test_a_receiver_that_hangs_does_not_hold_up_another() -> None:
    with WebhookReceiver([Answer(delay_seconds=3)]) as slow, WebhookReceiver() as quick:
        async with channels({"slow": slow.apprise_url, "quick": quick.apprise_url}) as notifier:
            hanging = asyncio.create_task(notifier.notify(notification("slow")))
            assert await asyncio.to_thread(slow.wait_for, 1, 5)

            answers = [await notifier.notify(notification("quick", id=f"{number:032x}")) for number in range(3)]

            assert [answer.verdict for answer in answers] == [Verdict.DELIVERED] * 3
            assert not hanging.done()
            hanging.cancel()


async def test_those_who_wait_in_line_have_the_whole_deadline() -> None:
    with WebhookReceiver([Answer(delay_seconds=0.3)] * 6) as receiver:
        async with channels({"hook": receiver.apprise_url}, deadline_seconds=1.5) as notifier:
            answers = await asyncio.gather(*(notifier.notify(notification(id=f"{i:032x}")) for i in range(6)))

    assert [answer.verdict for answer in answers] == [Verdict.DELIVERED] * 6


async def test_after_closing_an_attempt_neither_succeeds_nor_fails() -> None:
    # A worker that ends must not call a notification failed that the next one will deliver.
    with WebhookReceiver([Answer(delay_seconds=0.2)]) as receiver:
        async with channels({"hook": receiver.apprise_url}) as notifier:
            under_way = asyncio.create_task(notifier.notify(notification()))
            assert await asyncio.to_thread(receiver.wait_for, 1, 5)
            waiting = asyncio.create_task(notifier.notify(notification(id="0" * 32)))

        assert (await under_way).verdict is Verdict.DELIVERED
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waiting, 0.1)
        assert receiver.requests == 1


async def test_a_channel_without_a_url_is_said_to_be_so() -> None:
    async with channels({}) as notifier:
        delivery = await deliver(notification(), notifier, StandingClock(), NotifySettings())

    assert (delivery.outcome, delivery.attempts) == (DeliveryOutcome.NOT_CONFIGURED, 0)
    assert delivery.detail == "the channel has no URL"


async def test_a_service_that_is_marked_optional_does_not_pass_for_delivered() -> None:
    # Defect D11 of the first implementation: the test of a channel said True for channels that only print. Apprise
    # calls a failed service a success where its URL says optional=yes.
    delivery = await delivered(f"json://127.0.0.1:{closed_port()}/alerts?optional=yes", attempts=1)

    assert delivery.outcome is DeliveryOutcome.FAILED


@pytest.mark.parametrize(
    "url", ["no url", "json://", "bogus://canary/x", "slack://T1", "json://[::1/x", "", "mailto://"]
)
async def test_a_url_that_apprise_cannot_use_is_known_at_the_start_and_never_tried(url: str) -> None:
    async with channels({"hook": url}) as notifier:
        assert notifier.problems == {"hook": "the channel's URL is none that Apprise can use"}
        assert (await notifier.notify(notification())).verdict is Verdict.GIVE_UP


async def test_several_urls_in_one_channel_are_refused() -> None:
    # One of them may have it and the other not: then no answer would be true.
    async with channels({"hook": "json://127.0.0.1/a, json://127.0.0.1/b"}) as notifier:
        assert notifier.problems == {"hook": "the channel has several URLs: give each a channel of its own"}


def fail(*_: object, **__: object) -> None:
    message = f"json://{CANARY}"
    raise RuntimeError(message)


async def test_a_plug_in_that_cannot_even_read_its_url_is_known_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apprise.Apprise.add", fail)
    async with channels({"hook": "json://127.0.0.1:1/"}) as notifier:
        assert notifier.problems == {"hook": "the channel's URL is none that Apprise can use"}


async def test_a_service_that_matches_nothing_is_no_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    # What was None before Apprise 2: nobody was asked.
    monkeypatch.setattr("apprise.Apprise.notify", lambda *_, **__: AppriseResult())
    async with channels({"hook": "json://127.0.0.1:1/"}) as notifier:
        assert (await notifier.notify(notification())).verdict is Verdict.GIVE_UP


async def test_a_plug_in_that_fails_in_a_way_of_its_own_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apprise.Apprise.notify", fail)
    async with channels({"hook": "json://127.0.0.1:1/canary"}) as notifier:
        attempt = await notifier.notify(notification())

    assert attempt == Attempt(Verdict.RETRY, "Apprise failed with RuntimeError")


PARTS = f"{CANARY}user:{CANARY}pass@127.0.0.1:{{port}}/{CANARY}path/{{status}}?+X-Token={CANARY}header&:x={CANARY}field"


@pytest.mark.parametrize(
    "url",
    [
        "json://" + PARTS,
        "xml://" + PARTS,
        "jsons://" + PARTS,  # not TLS: fails in the handshake
        f"json://127.0.0.1:{{closed}}/{CANARY}path?+X-Token={CANARY}header",
        f"slack://{CANARY}/{CANARY}",  # one token is missing
        f"bogus://{CANARY}user:{CANARY}pass@host/{CANARY}path?token={CANARY}",
        f"json://{CANARY}user:{CANARY}pass@[::1/{CANARY}",
        f"mailto://{CANARY}user:{CANARY}pass@127.0.0.1:{{closed}}?to={CANARY}@example.com",
        f"{CANARY} {CANARY},{CANARY}",
        f"https://hooks.slack.com/services/{CANARY}/{CANARY}",
    ],
)
async def test_nothing_of_an_address_or_of_a_message_reaches_a_log_or_a_delivery(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with WebhookReceiver([Answer(500), Answer(429, delay_seconds=0.5), Answer(403)]) as receiver:
        address = url.format(port=receiver.port, status=500, closed=closed_port())
        for name in ("", *TALKATIVE):
            caplog.set_level(1, logger=name)
        async with channels({"hook": address}, deadline_seconds=0.3) as notifier:
            for name in TALKATIVE:  # as if somebody wanted to know it all
                caplog.set_level(1, logger=name)
            message = notification(body=f"{CANARY} body", title=f"{CANARY} title")
            delivery = await deliver(message, notifier, StandingClock(), NotifySettings(attempts=3))
            problems = notifier.problems

    shown = " ".join([caplog.text, *capfd.readouterr(), repr(delivery), repr(problems), repr(vars(notifier))])
    assert CANARY not in shown.lower()
    assert delivery.outcome is DeliveryOutcome.FAILED
