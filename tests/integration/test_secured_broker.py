"""A broker with TLS, passwords and ACLs: who may not come in is told why, with exit code 77."""

import asyncio
import gc
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from ragpulse.agents.broker_admin import BrokerAdmin
from ragpulse.agents.kafka_config import faust_credentials
from ragpulse.agents.settings import Settings, load_settings
from ragpulse.agents.topic_setup import create_topics
from ragpulse.client import Client, DeliveryError, query_event
from ragpulse.console import cli
from ragpulse.console.broker import start_broker, stop_broker
from ragpulse.console.broker.java import find_java
from ragpulse.console.broker.ports import LOOPBACK, free_port
from ragpulse.console.record_reader import RecordReader
from ragpulse.schemas.errors import CredentialsError
from ragpulse.streams.topology import QUERY_EVENTS

STORE_PASSWORD = "only-for-this-test"

pytestmark = pytest.mark.kafka  # one of its own, beside the shared one


@dataclass(frozen=True)
class Secured:
    """One broker and the authority that signed its certificate, and one that did not."""

    bootstrap_servers: str
    ca_file: Path
    other_ca_file: Path


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a self-signed certificate for the loopback address; return its key store and the certificate."""
    keytool = str(Path(find_java()).resolve().with_name("keytool"))
    store, pem = folder / f"{name}.p12", folder / f"{name}.pem"
    common = ["-alias", "broker", "-keystore", str(store), "-storetype", "PKCS12", "-storepass", STORE_PASSWORD]
    key = ["-keyalg", "RSA", "-dname", f"CN={name}", "-ext", f"SAN=IP:{LOOPBACK}", "-validity", "2"]
    for command in (["-genkeypair", *key], ["-exportcert", "-rfc", "-file", str(pem)]):
        subprocess.run([keytool, *command, *common], check=True, capture_output=True)
    return store, pem


def properties(store: Path, plain: int, secured: int) -> dict[str, str]:
    controller = free_port()
    login = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return {
        "listeners": f"PLAINTEXT://{LOOPBACK}:{plain},SECURED://{LOOPBACK}:{secured},CONTROLLER://{LOOPBACK}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{plain},SECURED://{LOOPBACK}:{secured}",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.name.secured.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.secured.plain.sasl.jaas.config": f'{login} required user_app="right" user_outsider="right";',
        "ssl.keystore.location": str(store),
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.password": STORE_PASSWORD,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:app",
    }


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    (store, ca_file), (_, other_ca_file) = certificate(folder, "broker"), certificate(folder, "other")
    plain, port = free_port(), free_port()
    start_broker(folder, ephemeral=True, port=plain, properties=properties(store, plain, port))
    yield Secured(f"{LOOPBACK}:{port}", ca_file, other_ca_file)
    stop_broker(folder)


@pytest.fixture
def environment(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Settings that are let in; a test changes what it is about."""
    right = {
        "BOOTSTRAP_SERVERS": secured.bootstrap_servers,
        "SECURITY_PROTOCOL": "SASL_SSL",
        "SASL_USERNAME": "app",
        "SASL_PASSWORD": "right",
        "SSL_CA_FILE": str(secured.ca_file),
    }
    for name, value in right.items():
        monkeypatch.setenv(f"RAGPULSE_KAFKA__{name}", value)
    return monkeypatch


@pytest.fixture
def settings(environment: pytest.MonkeyPatch) -> Settings:  # noqa: ARG001 - set before it is read
    return load_settings()


def test_admin_producer_and_reader_are_let_in(settings: Settings) -> None:
    create_topics(BrokerAdmin.of(settings), settings)
    with Client() as client:
        client.send(query_event(service="support-bot", latency_ms=1.0, event_id="e-1"))

    with RecordReader(settings, QUERY_EVENTS) as reader:
        assert [b"e-1"] == [message.key() for message in reader.up_to_now()]


async def test_workers_are_let_in(settings: Settings) -> None:
    credentials: Any = credentials_to_aiokafka_auth(faust_credentials(settings.kafka))
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers, **credentials)
    await producer.start()
    await producer.stop()
    # Closing TLS takes both sides, and aiokafka waits for none of its connections; the first one it has forgotten by now.
    writers = [found for found in gc.get_objects() if isinstance(found, asyncio.StreamWriter)]
    await asyncio.gather(*(writer.wait_closed() for writer in writers))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"SASL_PASSWORD": "wrong"}, "Authentication failed"),
        ({"SSL_CA_FILE": "other"}, "certificate verify failed"),
        ({"SASL_MECHANISM": "SCRAM-SHA-512"}, "Unsupported SASL mechanism"),
    ],
)
def test_who_is_not_let_in_is_told_why_well_within_the_deadline(
    environment: pytest.MonkeyPatch, secured: Secured, changes: dict[str, str], told: str
) -> None:
    for name, value in changes.items():
        environment.setenv(f"RAGPULSE_KAFKA__{name}", str(secured.other_ca_file) if value == "other" else value)

    with pytest.raises(CredentialsError, match=told):
        BrokerAdmin.of(load_settings()).names()


def test_who_may_not_create_topics_is_told_so(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("RAGPULSE_KAFKA__SASL_USERNAME", "outsider")
    environment.setenv("RAGPULSE_TOPIC_PREFIX", "others.")

    code = cli.run(["topics", "create"])

    told = capsys.readouterr().err
    assert (77, 1) == (code, told.count("\n"))
    assert "refused access" in told
    assert "right" not in told


def test_a_wrong_password_shows_in_the_delivery_error(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RAGPULSE_KAFKA__SASL_PASSWORD", "wrong")
    client = Client(delivery_timeout_seconds=2)
    client.send(query_event(service="support-bot", latency_ms=1.0))

    with pytest.raises(DeliveryError, match="Authentication failed") as caught:
        client.close()
    assert "wrong" not in str(caught.value)
