"""Watches the topics a worker stands on. Faust reads a partition that was added, or a topic that was made anew, never or wrongly.

The worker ends (75) and says why; the next start finds the topics as they are now, or says what is wrong with them.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from ragpulse.agents.broker_admin import BrokerAdmin, TopicFacts
from ragpulse.schemas.errors import BrokerUnavailableError, StuckError

WATCH_SECONDS: Final = 10.0


class TopicWatch:
    """Compares topics with what they were when the worker started. ``facts`` are by full name."""

    def __init__(self, admin: BrokerAdmin, facts: Mapping[str, TopicFacts]) -> None:
        self._admin = admin
        self._facts = facts

    async def look(self) -> None:
        """Ask the broker. One that does not answer is no news: sends and commits have time limits of their own.

        Raises:
            StuckError: a topic is not what it was.
            CredentialsError: no longer let in.

        """
        try:
            found = await asyncio.to_thread(self._admin.topic_facts, list(self._facts))
        except BrokerUnavailableError:
            return
        problems = [change(name, known, found.get(name)) for name, known in self._facts.items()]
        if told := " ".join(problem for problem in problems if problem):
            message = f"{told} This worker ends: start it again."
            raise StuckError(message)


def change(name: str, known: TopicFacts, found: TopicFacts | None) -> str | None:
    """Say in a sentence how a topic differs from what it was; None if it does not."""
    if found is None:
        return f"Topic {name} was deleted."
    if found.topic_id != known.topic_id:
        return f"Topic {name} was deleted and created anew: its offsets mean other records now."
    if found.partitions != known.partitions:
        return f"Topic {name} had {known.partitions} partitions and has {found.partitions}."
    return None
