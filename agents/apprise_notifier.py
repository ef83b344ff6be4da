"""Delivery through Apprise: one channel, one URL, one thread.

``add()`` and ``notify()`` do not raise: they answer False, None or a result that may claim success for a service that
was marked optional. Delivered is only what a receiver has acknowledged.
"""

import asyncio
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import urlencode

from apprise import Apprise, AppriseAsset, AppriseResultStatus, NotifyType
from pydantic import SecretStr

from ragpulse.agents.notifier import Attempt, Verdict
from ragpulse.agents.redaction import LogGuard, Redactor
from ragpulse.schemas.alert import AlertState, Notification
from ragpulse.schemas.sla import Severity

#: Schemes of plain web hooks. They can carry a header and fields, so the receiver can drop what it has already.
_WEB_HOOKS: Final = ("json", "jsons", "xml", "xmls", "form", "forms")
#: Answers that another attempt within a minute will not change. 404 is not among them: proxies say so during a deploy.
_REFUSALS: Final = frozenset({400, 401, 403, 405, 410, 413, 422})
_HTTP_CODE: Final = re.compile(r"\berror=(\d{3})\b")  # how Apprise's plugins report an answer
_NO_URL: Final = Attempt(Verdict.NOT_CONFIGURED, "the channel has no URL")
_UNUSABLE: Final = Attempt(Verdict.GIVE_UP, "the channel's URL is none that Apprise can use")
_SEVERAL: Final = Attempt(Verdict.GIVE_UP, "the channel has several URLs: give each a channel of its own")


class AppriseNotifier:
    """The channels of this process. Close it: it guards the logs of Apprise as long as it is open."""

    def __init__(self, urls: Mapping[str, SecretStr], deadline_seconds: float) -> None:
        plain = {name: url.get_secret_value() for name, url in urls.items()}
        self._guard = LogGuard(Redactor(plain.values())).install()
        self._deadline = deadline_seconds
        self._closed = False
        self._channels = {name: _Channel(url, deadline_seconds) for name, url in plain.items()}

    @property
    def problems(self) -> dict[str, str]:
        """Return why a channel can never deliver, by its name."""
        return {name: channel.problem.detail for name, channel in self._channels.items() if channel.problem}

    async def notify(self, notification: Notification) -> Attempt:
        """Try once. What takes longer than the deadline is tried again, though it may have arrived."""
        channel = self._channels.get(notification.channel)
        if channel is None:
            return _NO_URL
        async with channel.turn:  # the deadline is the receiver's, not that of those who wait in line
            if self._closed:
                # Neither sent nor failed: whoever reads the notification next delivers it.
                await asyncio.Event().wait()
            try:
                async with asyncio.timeout(self._deadline):
                    return await asyncio.get_running_loop().run_in_executor(channel.thread, channel.send, notification)
            except TimeoutError:
                return Attempt(Verdict.RETRY, f"no answer within {self._deadline:g} s; it may have arrived")

    def close(self) -> None:
        """Let go of the threads and of the logs. What is under way is not waited for; a later attempt never ends."""
        self._closed = True
        for channel in self._channels.values():
            channel.thread.shutdown(wait=False)
        self._guard.remove()


class _Channel:
    """One URL. Its single thread keeps a receiver that hangs from holding up others, and repeats from overtaking."""

    def __init__(self, url: str, deadline_seconds: float) -> None:
        self._url = url
        self._deadline = deadline_seconds
        self._is_web_hook = url.partition("://")[0].strip().lower() in _WEB_HOOKS
        self._services, self.problem = self._load(url)
        self.turn = asyncio.Lock()
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="notify")

    def send(self, notification: Notification) -> Attempt:
        """Send in the channel's thread."""
        services, problem = self._services, self.problem
        if self._is_web_hook and problem is None:
            services, problem = self._load(_with_identity(self._url, notification))
        if problem is not None:
            return problem
        try:
            result = services.notify(
                body=notification.body,
                title=notification.title,
                notify_type=_kind(notification),
                body_format="text",
            )
        except Exception as error:  # noqa: BLE001 -- any of a hundred plug-ins, and its text may hold the URL
            return Attempt(Verdict.RETRY, f"Apprise failed with {type(error).__name__}")
        with result:
            return _attempt(result)

    def _load(self, url: str) -> tuple[Any, Attempt | None]:
        # No files of its own, no threads of its own, and no redirect that takes the message elsewhere.
        asset = AppriseAsset(storage_mode="memory", service_timeout=0, async_mode=False, http_redirects=False)
        services = Apprise(asset=asset)
        try:
            added = services.add(url)
        except Exception:  # noqa: BLE001 -- as above
            added = False
        if not added or len(services) == 0:
            return services, _UNUSABLE
        if len(services) > 1:
            return services, _SEVERAL
        for service in services:
            # Apprise gives up reading after 4 s, when slow receivers have the message: their repeats would be ours.
            if service.socket_read_timeout == type(service).socket_read_timeout:
                service.socket_read_timeout = self._deadline
        return services, None


def _with_identity(url: str, notification: Notification) -> str:
    identity = {
        "+Idempotency-Key": notification.id,
        ":id": notification.id,
        ":alert_id": notification.alert_id,
        ":state": notification.state.value,
        ":severity": notification.severity.value,
    }
    # The signs before the names are Apprise's: a header, a field. They must not be encoded.
    return f"{url}{'&' if '?' in url else '?'}{urlencode(identity, safe='+:')}"


def _kind(notification: Notification) -> NotifyType:
    if notification.state is AlertState.RESOLVED:
        return NotifyType.SUCCESS
    urgent = notification.severity in (Severity.HIGH, Severity.CRITICAL)
    return NotifyType.FAILURE if urgent else NotifyType.WARNING


def _attempt(result: Any) -> Attempt:
    attempts = [attempt for service in result for attempt in service]
    if any(attempt.status is AppriseResultStatus.SUCCESS for attempt in attempts):
        return Attempt(Verdict.DELIVERED)
    if result.status is AppriseResultStatus.NOMATCH:
        return _UNUSABLE
    codes = [int(found[1]) for attempt in attempts for line in attempt if (found := _HTTP_CODE.search(line.message))]
    if not codes:
        return Attempt(Verdict.RETRY, "the receiver cannot be reached or does not answer")
    refused = codes[-1] in _REFUSALS
    return Attempt(Verdict.GIVE_UP if refused else Verdict.RETRY, f"the receiver answered HTTP {codes[-1]}")
