"""What a worker that runs must be told of its topics."""

from ragpulse.agents.broker_admin import TopicFacts
from ragpulse.agents.topic_watch import change

KNOWN = TopicFacts("id-1", 4)


def test_a_topic_that_is_what_it_was_is_no_news() -> None:
    assert change("events", KNOWN, TopicFacts("id-1", 4)) is None


def test_a_deleted_topic_is_named() -> None:
    assert "Topic events was deleted." == change("events", KNOWN, None)


def test_a_topic_made_anew_is_another_topic() -> None:
    assert "created anew" in str(change("events", KNOWN, TopicFacts("id-2", 4)))


def test_an_added_partition_is_named_with_both_counts() -> None:
    assert "Topic events had 4 partitions and has 6." == change("events", KNOWN, TopicFacts("id-1", 6))
