"""Choosing the ports of the broker and its controller."""

import socket

from ragpulse.console.broker import errors

LOOPBACK = "127.0.0.1"
PREFERRED_PORT = 19092


def broker_port(asked: int | None) -> int:
    """Choose the port asked for; without one the preferred port, or a free one where that is taken."""
    if asked is None:
        return PREFERRED_PORT if is_free(PREFERRED_PORT) else free_port()
    if not 0 < asked <= 65535:
        raise errors.invalid_port(asked)
    if not is_free(asked):
        raise errors.port_taken(asked)
    return asked


def is_free(port: int) -> bool:
    """Whether a broker could listen on this port of the loopback interface."""
    with socket.socket() as probe:
        # As Kafka does; without it, connections of a broker stopped a moment ago would count as "taken".
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Find a port nobody uses now. Somebody may before Kafka does: the start then tries again with another."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
