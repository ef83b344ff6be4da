"""Asking a broker whether it is there."""

import logging
import socket

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

# librdkafka reports every refused connection on stderr unless it is given a logger.
_SILENT = logging.Logger("ragpulse.broker.probe", level=logging.CRITICAL + 1)  # noqa: LOG001 - must not propagate


def broker_answers(bootstrap_servers: str, timeout_seconds: float = 2.0) -> bool:
    """Whether a Kafka broker at this address answers with itself among the brokers that can be used."""
    if not any(_listens(address, timeout_seconds) for address in bootstrap_servers.split(",")):
        return False
    client = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0}, logger=_SILENT)
    try:
        return bool(client.list_topics(timeout=timeout_seconds).brokers)
    except KafkaException:
        return False


def _listens(address: str, timeout_seconds: float) -> bool:
    host, _, port = address.strip().rpartition(":")
    if not port.isdecimal():
        return False
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout_seconds).close()
    except (OSError, OverflowError):
        return False
    return True
