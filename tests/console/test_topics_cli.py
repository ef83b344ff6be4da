"""`ragpulse topics`."""

from confluent_kafka.admin import NewTopic

from command_line import CommandLine
from ragpulse.agents.broker_admin import BrokerAdmin
from ragpulse.agents.settings import load_settings
from ragpulse.streams.topology import TOPICS


def test_topics_are_created_listed_and_checked(command_line: CommandLine, topic_prefix: str) -> None:
    before, created, again, checked = (
        command_line("topics", *arguments) for arguments in (["check"], ["create"], ["create"], ["check"])
    )

    names = [f"{topic_prefix}{topic.name}" for topic in TOPICS]
    assert (78, 0, 0, 0) == (before.code, created.code, again.code, checked.code)
    for done, state in ((before, "missing"), (created, "created"), (again, "present"), (checked, "present")):
        assert [(name, state) for name in names] == [(line["topic"], line["state"]) for line in done.json_lines()]
    assert f"Topic {names[0]} is missing: run `ragpulse topics create`." in before.err


def make_alerts(prefix: str, partitions: int, **config: str) -> str:
    BrokerAdmin.of(load_settings()).create([NewTopic(f"{prefix}alerts", partitions, 1, config=config)])
    return f"{prefix}alerts"


def test_a_wrong_partition_count_is_one_sentence_and_78(command_line: CommandLine, topic_prefix: str) -> None:
    name = make_alerts(topic_prefix, 2)

    done = command_line("topics", "create")

    assert (78, True) == (done.code, f"Topic {name} has 2 partitions and ragpulse wants 4" in done.err)


def test_the_list_tells_drift(command_line: CommandLine, topic_prefix: str) -> None:
    name = make_alerts(topic_prefix, 4, **{"retention.ms": "1"})

    (line,) = [line for line in command_line("topics", "list").json_lines() if line["topic"] == name]

    assert ([{"setting": "retention.ms", "has": "1", "wants": "2592000000"}], None) == (line["drift"], line["problem"])
