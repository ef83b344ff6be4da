"""Faust's settings, and what becomes of them in aiokafka."""

import ssl
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer

from ragpulse.agents import batch_transport
from ragpulse.agents.batch_reader import consumer_settings
from ragpulse.agents.faust_settings import BatchApp, recommended_conf


def app(**conf: Any) -> BatchApp:
    return BatchApp("group", broker="batch://broker:9093", **recommended_conf(), **conf)


def test_the_app_is_on_the_batch_transport() -> None:
    assert isinstance(app().transport, batch_transport.Transport)


def test_what_stock_faust_fixes_is_ours() -> None:
    settings = consumer_settings(app(), ["broker:9093"])

    assert "read_committed" == settings["isolation_level"]
    assert 100 == settings["fetch_max_wait_ms"]
    assert 10_000 == settings["session_timeout_ms"]
    assert 2_000 == settings["heartbeat_interval_ms"]
    assert "earliest" == settings["auto_offset_reset"]
    assert not settings["enable_auto_commit"]


@pytest.mark.parametrize("context", [None, ssl.create_default_context()])
def test_sasl_credentials_reach_aiokafka(context: ssl.SSLContext | None) -> None:
    credentials = faust.SASLCredentials(
        username="anna", password="secret", mechanism="SCRAM-SHA-512", ssl_context=context
    )
    settings = consumer_settings(app(broker_credentials=credentials), ["broker:9093"])

    assert {
        "security_protocol": "SASL_SSL" if context else "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "anna",
        "sasl_plain_password": "secret",
        "ssl_context": context,
    } == {name: value for name, value in settings.items() if name.startswith(("sasl", "ssl", "security"))}


@pytest.mark.parametrize("name", ["broker_credentials", "ssl_context"])
def test_tls_reaches_aiokafka(name: str) -> None:
    context = ssl.create_default_context()
    value = faust.SSLCredentials(context) if name == "broker_credentials" else context
    settings = consumer_settings(app(**{name: value}), ["broker:9093"])

    assert ("SSL", context) == (settings["security_protocol"], settings["ssl_context"])


async def test_aiokafka_takes_the_settings() -> None:
    credentials = faust.SASLCredentials(username="anna", password="secret", mechanism="PLAIN")
    consumer = AIOKafkaConsumer(**consumer_settings(app(broker_credentials=credentials), ["broker:9093"]))

    assert "SASL_PLAINTEXT" == consumer._client._security_protocol
    await consumer.stop()


async def test_the_producer_waits_for_all_replicas_and_not_for_twenty_minutes() -> None:
    settings = app().producer._settings_default()  # type: ignore[attr-defined]  # of the aiokafka driver

    assert (-1, 5, 30_000, 4 << 20) == tuple(
        settings[name] for name in ("acks", "linger_ms", "request_timeout_ms", "max_request_size")
    )
