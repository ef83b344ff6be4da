"""Sending on schedule."""

import time
from threading import Event, Thread

from ragpulse.client import query_event
from ragpulse.console.replay import play
from ragpulse.schemas.query_event import QueryEvent


class Sink:
    """Remembers what was sent, and when."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, QueryEvent]] = []

    def send(self, event: QueryEvent) -> None:
        self.sent.append((time.monotonic(), event))


def due(*seconds: float) -> list[tuple[float, QueryEvent]]:
    return [(second, query_event(service="a", latency_ms=1.0, occurred_at_ms=0)) for second in seconds]


def test_events_are_sent_when_due_and_stamped_with_that_time() -> None:
    sink, start = Sink(), time.monotonic()

    assert 3 == play(due(0.0, 0.05, 0.15), sink)

    waited = [at - start for at, _ in sink.sent]
    assert all(0 <= wait - second < 0.1 for wait, second in zip(waited, (0.0, 0.05, 0.15), strict=True))
    now_ms = time.time_ns() // 1_000_000
    assert all(now_ms - 2000 < event.occurred_at_ms <= now_ms for _, event in sink.sent)


def test_a_slow_sender_delays_events_and_drops_none() -> None:
    class Slow(Sink):
        def send(self, event: QueryEvent) -> None:
            time.sleep(0.02)
            super().send(event)

    sink = Slow()

    assert 5 == play(due(0.0, 0.0, 0.0, 0.0, 0.01), sink)
    assert 5 == len(sink.sent)


def test_a_replay_that_is_stopped_ends_at_once() -> None:
    stop, sink, counted = Event(), Sink(), []
    thread = Thread(target=lambda: counted.append(play(due(0.0, 60.0), sink, stop=stop)))
    thread.start()
    while not sink.sent:
        time.sleep(0.001)
    stop.set()
    thread.join(5)

    assert [1] == counted


def test_the_caller_is_told_of_each_event() -> None:
    told: list[QueryEvent] = []
    scheduled = due(0.0, 0.0)

    play(scheduled, Sink(), on_sent=told.append)

    assert [event for _, event in scheduled] == told
