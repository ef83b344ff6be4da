"""What became of events that the broker did not take: counted, told to the caller, summed up in one error."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from ragpulse.schemas.errors import DeliveryError

_NAMED: Final = 10  # event ids that an error names: enough to look for, few enough to read


@dataclass(frozen=True, slots=True)
class DeliveryFailure:
    """One event that was given up. ``reason`` is in the words of the broker or of librdkafka."""

    event_id: str
    reason: str
    retriable: bool  # sending it again may help


OnError = Callable[[DeliveryFailure], None]


class Failures:
    """Counts failures until an error has told them to the caller. Thread-safe."""

    def __init__(self, on_error: OnError | None) -> None:
        self._on_error = on_error
        self._lock = Lock()
        self._total = 0
        self._untold: Counter[str] = Counter()
        self._event_ids: list[str] = []
        self._connection_problem = ""

    @property
    def total(self) -> int:
        """Return how many events were given up since the start."""
        return self._total

    def on_delivery(self, error: Any, message: Any) -> None:
        """Take librdkafka's report of one event (configured to come for failed ones only)."""
        if error is None:
            return
        failure = DeliveryFailure((message.key() or b"").decode(errors="replace"), error.str(), error.retriable())
        with self._lock:
            self._total += 1
            self._untold[failure.reason] += 1
            if len(self._event_ids) < _NAMED:
                self._event_ids.append(failure.event_id)
        if self._on_error is not None:
            self._on_error(failure)

    def on_connection_problem(self, error: Any) -> None:
        """Remember why the broker cannot be reached: a delivery report only says that time was over."""
        self._connection_problem = error.str()

    def raise_untold(self, pending: int) -> None:
        """Raise if events failed since the last error, or still wait.

        Raises:
            DeliveryError: with their counts.

        """
        with self._lock:
            reasons, self._untold = self._untold, Counter()
            event_ids, self._event_ids = tuple(self._event_ids), []
        failed = reasons.total()
        if not failed and not pending:
            return
        message = self._sentence(reasons, failed, pending)
        raise DeliveryError(message, failed=failed, pending=pending, reasons=dict(reasons), event_ids=event_ids)

    def _sentence(self, reasons: Counter[str], failed: int, pending: int) -> str:
        parts = []
        if failed:
            parts.append(f"{failed} failed ({', '.join(f'{count} x {reason}' for reason, count in reasons.items())})")
        if pending:
            parts.append(f"{pending} were not acknowledged in time")
        seen = f"; the last connection problem was: {self._connection_problem}" if self._connection_problem else ""
        return f"Events were not delivered: {', '.join(parts)}{seen}."
