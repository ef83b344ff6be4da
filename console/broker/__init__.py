"""The embedded broker: a real Apache Kafka in one process, for the demo, for development and for the tests."""

from ragpulse.console.broker.errors import BrokerError
from ragpulse.console.broker.lifecycle import broker_process_lives, start_broker, stop_broker
from ragpulse.console.broker.places import default_state_dir, external_bootstrap_servers
from ragpulse.console.broker.probe import broker_answers
from ragpulse.console.broker.record import RunningBroker, read_broker_file
from ragpulse.console.broker.status import State, Status, broker_status

__all__ = [
    "BrokerError",
    "RunningBroker",
    "State",
    "Status",
    "broker_answers",
    "broker_process_lives",
    "broker_status",
    "default_state_dir",
    "external_bootstrap_servers",
    "read_broker_file",
    "start_broker",
    "stop_broker",
]
