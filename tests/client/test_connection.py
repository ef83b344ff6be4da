"""Where the SDK finds the broker, and which ways of being let in it refuses."""

from pathlib import Path
from typing import Any

import pytest

from ragpulse.client.connection import (
    Connection,
    Security,
    bootstrap_servers_from,
    connection_from_environment,
    security_from,
    state_directory,
)
from ragpulse.schemas.errors import BrokerUnavailableError, ConfigurationError


def test_the_variable_counts_before_the_embedded_broker(tmp_path: Path) -> None:
    (tmp_path / "broker.json").write_text('{"bootstrap_servers": "127.0.0.1:19092"}')
    environment = {"RAGPULSE_STATE_DIR": str(tmp_path)}

    assert "127.0.0.1:19092" == bootstrap_servers_from(environment)
    assert "kafka:9092" == bootstrap_servers_from(environment | {"RAGPULSE_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092"})


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"bootstrap_servers": 1}', "no json"])
def test_without_a_broker_the_error_says_what_to_do(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "broker.json").write_text(content)

    with pytest.raises(BrokerUnavailableError, match=r"RAGPULSE_KAFKA__BOOTSTRAP_SERVERS.*ragpulse broker start"):
        bootstrap_servers_from({"RAGPULSE_STATE_DIR": str(tmp_path)})


def test_the_state_directory_follows_xdg_and_ignores_relative_paths() -> None:
    default = Path.home() / ".local" / "state" / "ragpulse"

    assert Path("/s") == state_directory({"RAGPULSE_STATE_DIR": "/s", "XDG_STATE_HOME": "/x"})
    assert Path("/x/ragpulse") == state_directory({"XDG_STATE_HOME": "/x"})
    assert [default, default] == [state_directory({"XDG_STATE_HOME": "x"}), state_directory({})]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"security_protocol": "TLS"}, "security_protocol is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
        ({"sasl_mechanism": "GSSAPI"}, "sasl_mechanism is none of"),
        ({"sasl_username": "u", "sasl_password": "p"}, "PLAINTEXT does not use them: choose SASL_SSL"),
        ({"security_protocol": "SSL", "sasl_password": "p"}, "SSL does not use them: choose SASL_SSL"),
        ({"security_protocol": "SASL_SSL", "sasl_username": "u"}, "sasl_username and sasl_password are both needed"),
        ({"ssl_ca_file": "ca.pem"}, "ssl_ca_file is set, but PLAINTEXT is not encrypted"),
        ({"security_protocol": "SSL", "ssl_key_file": "k.pem"}, "ssl_certificate_file and ssl_key_file go together"),
        ({"security_protocol": "SSL", "ssl_ca_file": "/no/ca.pem"}, r"ssl_ca_file \(/no/ca.pem\) is no file"),
    ],
)
def test_security_settings_that_do_not_fit_together_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Security(**settings)


def test_a_password_is_not_shown() -> None:
    security = Security(security_protocol="SASL_PLAINTEXT", sasl_username="u", sasl_password="s3cret")

    assert "s3cret" not in repr(Connection("kafka:9092", security))


def test_the_environment_gives_what_librdkafka_needs(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("ca.pem", "c.pem", "k.pem")}
    for file in files.values():
        file.touch()
    security = security_from(
        {
            "RAGPULSE_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
            "RAGPULSE_KAFKA__SASL_MECHANISM": "SCRAM-SHA-512",
            "RAGPULSE_KAFKA__SASL_USERNAME": "u",
            "RAGPULSE_KAFKA__SASL_PASSWORD": "p",
            "RAGPULSE_KAFKA__SSL_CA_FILE": str(files["ca.pem"]),
            "RAGPULSE_KAFKA__SSL_CERTIFICATE_FILE": str(files["c.pem"]),
            "RAGPULSE_KAFKA__SSL_KEY_FILE": str(files["k.pem"]),
        }
    )

    assert {
        "bootstrap.servers": "kafka:9093",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "u",
        "sasl.password": "p",
        "ssl.ca.location": str(files["ca.pem"]),
        "ssl.certificate.location": str(files["c.pem"]),
        "ssl.key.location": str(files["k.pem"]),
    } == Connection("kafka:9093", security).librdkafka_options()


def test_what_is_given_counts_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGPULSE_KAFKA__BOOTSTRAP_SERVERS", "there:9092")
    monkeypatch.setenv("RAGPULSE_KAFKA__SECURITY_PROTOCOL", "SSL")

    assert Connection("there:9092", Security(security_protocol="SSL")) == connection_from_environment()
    assert Connection("here:9092", Security()) == connection_from_environment("here:9092", Security())
