"""`ragpulse dev`: a broker and all roles on this machine, until Ctrl-C."""

import signal
import threading
from types import FrameType

from rich.console import Console

from ragpulse.agents.broker_admin import BrokerAdmin
from ragpulse.agents.kafka_config import connection
from ragpulse.agents.settings import load_settings
from ragpulse.agents.topic_setup import create_topics
from ragpulse.client.connection import Connection
from ragpulse.console.broker import start_broker, stop_broker
from ragpulse.console.supervisor import Supervisor
from ragpulse.streams.topology import ROLES

SCALED = ("ingest", "slo")


def run_dev(workers: int) -> int:
    """Start everything, watch it, and drain it at Ctrl-C or SIGTERM.

    Raises:
        RagpulseError: something could not be set up, or a worker ended for good.

    """
    console = Console(stderr=True)
    settings = load_settings()
    ours = not settings.kafka.bootstrap_servers
    if ours:
        console.print("starting the embedded broker ...")
        start_broker(settings.state_path, say=console.print)
    try:
        target = connection(settings)
        create_topics(BrokerAdmin(target), settings)
        _run(console, Supervisor(settings.state_path / "logs", _environment(target)), target, workers)
    finally:
        if ours:
            stop_broker(settings.state_path, say=console.print)
    return 0


def _run(console: Console, supervisor: Supervisor, target: Connection, workers: int) -> None:
    ended = threading.Event()
    _end_on_signals(ended)
    try:
        for role in ROLES:
            supervisor.start(role.name, workers if role.name in SCALED else 1)
        console.print(f"[bold]ragpulse dev[/] runs: broker {target.bootstrap_servers}, logs in {supervisor.log_dir}.")
        console.print("Produce with `ragpulse replay-trace` or the SDK, follow `ragpulse alerts tail`. Ctrl-C ends it.")
        while not ended.wait(0.25):
            supervisor.watch()
    finally:
        console.print("draining the workers ...")
        for name in supervisor.stop():
            console.print(f"{name} did not drain in time and was killed; it re-reads from its last commit.")


def _environment(target: Connection) -> dict[str, str]:
    return {"RAGPULSE_KAFKA__BOOTSTRAP_SERVERS": target.bootstrap_servers}


def _end_on_signals(ended: threading.Event) -> None:
    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
