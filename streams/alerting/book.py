"""All alerts: a state machine over the log of signals. Same signals, same alerts, byte for byte.

What was handled is remembered twice: by offset (a re-read log) and by cause (a signal that was written again at
another offset). An ended cause is remembered for 24 h of signal time.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Self

import msgspec

from ragpulse.schemas.alert import Alert, Notification
from ragpulse.schemas.errors import ContractError
from ragpulse.schemas.policy import Policy, Route
from ragpulse.schemas.signal import Signal
from ragpulse.streams.alerting.cause import Cause, Stage, cause_of
from ragpulse.streams.alerting.life_cycle import RESOLVING, TRANSITIONS, OpenAlert, Reason, advance
from ragpulse.streams.alerting.routing import route_of
from ragpulse.streams.alerting.texts import body
from ragpulse.streams.alerting.transition import Moment, notifications, transition

SNAPSHOT_VERSION: Final = 1
REMEMBERED_MS: Final = 24 * 3_600_000
REMEMBERED_CAUSES: Final = 50_000
"""Ended causes in memory at most, about 7 MB; the longest ended are forgotten first. Open ones are bounded by the cell
cap of ingest: a service beyond it has no verdicts of its own."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one signal led to. ``reason`` is given also where nothing follows."""

    reason: Reason
    transitions: tuple[Alert, ...] = ()
    notifications: tuple[Notification, ...] = ()


class _Version(msgspec.Struct):
    version: int


class _State(msgspec.Struct):
    version: int = SNAPSHOT_VERSION
    offset: int = -1
    now_ms: int = 0
    firing: list[OpenAlert] = []
    over: list[tuple[str, int, Stage]] = []


class AlertBook:
    """The alerts that fire, and what is needed to know a repeated signal. One book a topic id of `rag.signals`."""

    def __init__(self, state: _State | None = None) -> None:
        state = state or _State()
        self._offset = state.offset
        self._now_ms = state.now_ms
        self._firing = {alert.fingerprint: alert for alert in state.firing}
        # Cause id -> signal time at which its end was handled, and which end it was.
        self._over = OrderedDict((cause, (at_ms, stage)) for cause, at_ms, stage in state.over)

    @property
    def offset(self) -> int:
        """Return the offset of the last signal that was handled, -1 before the first."""
        return self._offset

    @property
    def firing(self) -> tuple[OpenAlert, ...]:
        """Return the alerts that fire now."""
        return tuple(self._firing.values())

    def step(self, signal: Signal, offset: int, policy: Policy, policy_digest: str) -> Outcome:
        """Handle the signal at an offset.

        Raises:
            ContractError: the signal carries nothing of its kind.

        """
        if offset <= self._offset:
            return Outcome(Reason.REPEATED)
        cause = cause_of(signal)
        self._offset = offset
        self._now_ms = max(self._now_ms, signal.at_ms)
        self._forget()
        if cause is None:
            return Outcome(Reason.TIME_ONLY)
        return self._handle(cause, Moment(signal.id, offset, signal.at_ms, policy_digest), policy)

    def _handle(self, cause: Cause, moment: Moment, policy: Policy) -> Outcome:
        before = self._firing.get(cause.fingerprint)
        after, reason = advance(before, cause, moment.at_ms, self._known(cause, before))
        channels: tuple[str, ...] = ()
        if after is not None and reason is Reason.FIRST_CAUSE:
            after, channels = _routed(after, route_of(cause, policy.routes))
        elif before is not None and reason in RESOLVING:
            channels = before.told_of_end
        self._keep(cause, before, after, reason)
        alert = after or before
        if alert is None or reason not in TRANSITIONS:
            return Outcome(reason)
        record = transition(alert, cause, reason, moment)
        return Outcome(reason, (record,), notifications(record, body(cause, reason, alert), channels))

    def _known(self, cause: Cause, alert: OpenAlert | None) -> Stage | None:
        if alert is not None and cause.id in alert.causes:
            return alert.causes[cause.id]
        return self._over[cause.id][1] if cause.id in self._over else None

    def _keep(self, cause: Cause, before: OpenAlert | None, after: OpenAlert | None, reason: Reason) -> None:
        if after is not None:
            self._firing[cause.fingerprint] = after
        else:
            self._firing.pop(cause.fingerprint, None)
        if reason in RESOLVING or reason in (Reason.CAUSES_REMAIN, Reason.NEVER_BEGAN):
            still = after.causes if after else ()
            ended = [one for one in (before.causes if before else ()) if one not in still]
            for one in dict.fromkeys([cause.id, *ended]):
                self._over[one] = (self._now_ms, cause.stage)
                self._over.move_to_end(one)

    def _forget(self) -> None:
        while self._over:
            longest, _ = next(iter(self._over.values()))
            if len(self._over) <= REMEMBERED_CAUSES and longest > self._now_ms - REMEMBERED_MS:
                return
            self._over.popitem(last=False)

    def snapshot(self) -> bytes:
        """Return the whole state in a form that `restore` reads. Same state, same bytes."""
        firing = list(self._firing.values())
        over = [(cause, at_ms, stage) for cause, (at_ms, stage) in self._over.items()]
        return msgspec.json.encode(_State(SNAPSHOT_VERSION, self._offset, self._now_ms, firing, over))

    @classmethod
    def restore(cls, data: bytes) -> Self:
        """Build the book from a snapshot.

        Raises:
            ContractError: no snapshot, or one of another version.

        """
        try:
            version = msgspec.json.decode(data, type=_Version).version
            if version != SNAPSHOT_VERSION:
                message = (
                    f"The state of alerting has version {version}, this ragpulse reads {SNAPSHOT_VERSION}: "
                    "start the version that wrote it."
                )
                raise ContractError(message)
            return cls(msgspec.json.decode(data, type=_State))
        except msgspec.DecodeError as error:
            message = f"The state of alerting cannot be read: {error}. Reset the group's offsets to rebuild it from rag.signals."
            raise ContractError(message) from error


def _routed(alert: OpenAlert, route: Route | None) -> tuple[OpenAlert, tuple[str, ...]]:
    if route is None:
        return alert, ()  # nobody is told: the transition says so by naming no route
    channels = tuple(dict.fromkeys(route.channels))
    told_of_end = channels if route.send_resolved else ()
    return msgspec.structs.replace(alert, route=route.name, told_of_end=told_of_end), channels
