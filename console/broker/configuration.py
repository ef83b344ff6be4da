"""Kafka's own settings: one process, broker and controller in one, on the loopback interface only."""

from collections.abc import Mapping

from ragpulse.console.broker.places import Workspace
from ragpulse.console.broker.ports import LOOPBACK


def server_properties(
    workspace: Workspace, broker_port: int, controller_port: int, overrides: Mapping[str, str]
) -> dict[str, str]:
    """All settings of the broker; `overrides` win, for tests that need another limit."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{broker_port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{broker_port}",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "log.dirs": str(workspace.data_dir),
        **_SINGLE_NODE,
        **_PREDICTABLE,
        **_SMALL,
        **overrides,
    }


def render(properties: Mapping[str, str]) -> str:
    """Return the text of a Java properties file (backslashes are its escape character)."""
    return "".join(f"{name}={value}\n".replace("\\", "\\\\") for name, value in properties.items())


_SINGLE_NODE = {
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}
_PREDICTABLE = {
    "auto.create.topics.enable": "false",  # a reader that is still there would bring a deleted topic back
    "group.initial.rebalance.delay.ms": "0",
    # After a kill the controller lets the broker back in when this is over (Kafka's default: 9 s).
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
    "log.cleaner.backoff.ms": "1000",  # a compacted topic is cleaned at once, not after up to 15 s
    "group.min.session.timeout.ms": "1000",  # tests of failover use sessions far below Kafka's minimum of 6 s
}
_SMALL = {
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "4",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.dedupe.buffer.size": "16777216",  # Kafka's default is a quarter of our heap
}
