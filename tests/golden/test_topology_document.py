"""docs/topology.md says what `streams/topology.py` says."""

from collections.abc import Iterable, Sequence

from golden_files import Golden
from ragpulse.streams.topology import DAY_MS, ROLES, TOPICS, Topic


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def kept(topic: Topic) -> str:
    days = int(topic.config.get("retention.ms", 0)) // DAY_MS
    return f"{days} days" if days else "the newest of each key"


def topic_row(topic: Topic) -> tuple[str, ...]:
    writers = ", ".join(role.name for role in ROLES if topic.name in role.writes)
    readers = ", ".join(role.name for role in ROLES if topic.name == role.reads)
    return f"`{topic.name}`", topic.contract, topic.key, str(topic.partitions), kept(topic), writers, readers


def test_the_topology_document_is_current(golden: Golden) -> None:
    topics = table(
        ("topic", "contract", "key", "partitions", "kept", "written by", "read in a group by"), map(topic_row, TOPICS)
    )
    roles = table(
        ("role", "reads", "decides in", "state", "a replay changes nothing because"),
        ((role.name, f"`{role.reads}`", role.decides_in, role.state, role.idempotent_because) for role in ROLES),
    )

    golden(
        "docs/topology.md",
        "# Topics and roles\n\nWritten by `make golden` from `streams/topology.py`. "
        f"Topic names carry the prefix of the settings, `rag.` by default.\n\n{topics}\n\n{roles}\n",
    )
