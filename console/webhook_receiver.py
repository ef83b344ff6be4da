"""A receiver of notifications on this machine, for the demo and for tests: a real web server on a free loopback port.

It does what a good receiver does: it keeps notifications by their idempotency key and counts repeats. For tests it can
be told how to answer: late, or with an error.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qsl

import orjson

from ragpulse.agents.clock import Clock, SystemClock

KEPT: Final = 1_000
LARGEST_BODY: Final = 1_048_576
_READ_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """How one request is met. The message is taken before the delay: who waits too short has delivered all the same."""

    status: int = 200
    delay_seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def keeps(self) -> bool:
        """Return whether the receiver has the message after this answer."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Received:
    """One notification. ``key`` is its idempotency key; ``body`` its fields; ``repeats`` how often it came again."""

    key: str
    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    at_ms: int
    repeats: int = 0


class WebhookReceiver:
    """Receives as long as its ``with`` block lasts. Safe to look at from any thread."""

    def __init__(self, answers: Iterable[Answer] = (), *, clock: Clock | None = None, kept: int = KEPT) -> None:
        self._answers = deque(answers)
        self._clock = clock or SystemClock()
        self._kept = kept
        self._received: OrderedDict[str, Received] = OrderedDict()
        self._requests = 0
        self._changed = threading.Condition()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, name="webhook", args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self._server.server_address[1])

    @property
    def apprise_url(self) -> str:
        """Return the URL for a channel."""
        return f"json://127.0.0.1:{self.port}/alerts"

    @property
    def received(self) -> list[Received]:
        """Return what was received, first come first, each once. At most the last thousand are kept."""
        with self._changed:
            return list(self._received.values())

    @property
    def requests(self) -> int:
        """Return how many requests came, with repeats and refused ones."""
        with self._changed:
            return self._requests

    @property
    def repeats(self) -> int:
        """Return how many notifications came again."""
        return sum(one.repeats for one in self.received)

    def wait_for(self, count: int, timeout_seconds: float) -> bool:
        """Wait until so many different notifications were received; return whether they were."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._received) >= count, timeout_seconds)

    def meet(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Answer:
        """Take a request, as the next scripted answer says."""
        with self._changed:
            self._requests += 1
            answer = self._answers.popleft() if self._answers else Answer()
            if answer.keeps:
                self._keep(path, headers, body)
                self._changed.notify_all()
        time.sleep(answer.delay_seconds)
        return answer

    def _keep(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> None:
        key = headers.get("idempotency-key") or f"without key {self._requests}"
        known = self._received.get(key)
        if known is not None:
            self._received[key] = replace(known, repeats=known.repeats + 1)
            return
        self._received[key] = Received(key, path, body, headers, self._clock.now_ms())
        while len(self._received) > self._kept:
            self._received.popitem(last=False)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a scripted delay must not hold up the end

    def __init__(self, receiver: WebhookReceiver) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: a sender that no longer waits is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _READ_SECONDS

    def do_POST(self) -> None:
        """Answer one notification."""
        body = self._body()
        if body is None:
            self._answer(Answer(400))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._answer(self.server.receiver.meet(self.path, headers, body))

    def _body(self) -> dict[str, Any] | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return None
        return _fields(self.headers.get_content_type(), self.rfile.read(int(length)))

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in {"Content-Length": "0", **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name that http.server calls
        """Stay silent: what was received is looked at, not logged."""


def _fields(content_type: str, data: bytes) -> dict[str, Any] | None:
    """Return the fields of a body in one of the forms that Apprise sends (JSON, form, XML); None if it is none."""
    if content_type == "application/xml":
        return {"xml": data.decode(errors="replace")}
    if content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(data.decode(errors="replace")))
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None
