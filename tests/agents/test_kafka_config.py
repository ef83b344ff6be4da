"""From the settings to each Kafka library."""

import json
import ssl
from pathlib import Path

import pytest
from faust import SASLCredentials
from faust.types.auth import AuthProtocol, SASLMechanism
from pydantic import SecretStr

from ragpulse.agents.kafka_config import connection, faust_credentials, resolve_bootstrap, security, ssl_context
from ragpulse.agents.settings import KafkaSettings, Settings
from ragpulse.client.connection import Connection, Security
from ragpulse.schemas.errors import BrokerUnavailableError, ConfigurationError

PASSWORD = SecretStr("s3cret")


def embedded(state_dir: Path, bootstrap_servers: str) -> Settings:
    (state_dir / "broker.json").write_text(json.dumps({"bootstrap_servers": bootstrap_servers}))
    return Settings(state_dir=state_dir, kafka=KafkaSettings())


def test_the_setting_counts_before_the_embedded_broker(tmp_path: Path) -> None:
    settings = embedded(tmp_path, "127.0.0.1:1").model_copy(
        update={"kafka": KafkaSettings(bootstrap_servers="kafka:9092")}
    )

    assert Connection("kafka:9092", Security()) == connection(settings)


def test_the_embedded_broker_is_taken_if_it_answers(kafka: str, tmp_path: Path) -> None:
    assert kafka == resolve_bootstrap(embedded(tmp_path, kafka))


def test_an_embedded_broker_that_is_gone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragpulse.agents.kafka_config._PROBE_SECONDS", 0.2)

    with pytest.raises(BrokerUnavailableError, match=r"127.0.0.1:1 does not answer: start it again"):
        resolve_bootstrap(embedded(tmp_path, "127.0.0.1:1"))


def test_without_any_broker_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailableError, match="RAGPULSE_KAFKA__BOOTSTRAP_SERVERS"):
        resolve_bootstrap(Settings(state_dir=tmp_path))


def test_a_password_without_sasl_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="PLAINTEXT does not use them"):
        security(KafkaSettings(sasl_username="u", sasl_password=PASSWORD))


def test_a_plain_connection_needs_neither_context_nor_credentials() -> None:
    assert (None, None) == (ssl_context(KafkaSettings()), faust_credentials(KafkaSettings()))


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [("SASL_PLAINTEXT", AuthProtocol.SASL_PLAINTEXT), ("SASL_SSL", AuthProtocol.SASL_SSL)],
)
def test_faust_is_given_user_mechanism_and_context(protocol: str, expected: AuthProtocol) -> None:
    kafka = KafkaSettings.model_validate(
        {
            "security_protocol": protocol,
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": "u",
            "sasl_password": PASSWORD,
        }
    )

    credentials = faust_credentials(kafka)

    assert isinstance(credentials, SASLCredentials)
    assert (expected, SASLMechanism.SCRAM_SHA_512, "u", "s3cret") == (
        credentials.protocol,
        credentials.mechanism,
        credentials.username,
        credentials.password,
    )
    assert (protocol == "SASL_SSL") == isinstance(credentials.ssl_context, ssl.SSLContext)


def test_an_encrypted_connection_verifies_the_broker() -> None:
    context = ssl_context(KafkaSettings(security_protocol="SSL"))

    assert context is not None
    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)


def test_a_file_that_holds_no_certificate_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")

    with pytest.raises(ConfigurationError, match="certificate or key file cannot be used"):
        ssl_context(KafkaSettings(security_protocol="SSL", ssl_ca_file=file))
