"""From `KafkaSettings` to what each Kafka library takes. The one place that unwraps the password."""

import logging
import ssl
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ragpulse.agents.settings import KafkaSettings, Settings
from ragpulse.client.connection import Connection, Security, embedded_bootstrap_servers, no_broker_known
from ragpulse.schemas.errors import BrokerUnavailableError, ConfigurationError

_PROBE_SECONDS = 5.0
#: librdkafka writes to stderr unless it is given a logger; without a handler of the program's own, this one is silent.
LIBRDKAFKA_LOGGER = logging.getLogger("ragpulse.librdkafka")
LIBRDKAFKA_LOGGER.addHandler(logging.NullHandler())


def security(kafka: KafkaSettings) -> Security:
    """Return how to be let in.

    Raises:
        ConfigurationError: settings that do not fit together, such as a password without SASL.

    """
    return Security(
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        sasl_username=kafka.sasl_username,
        sasl_password=kafka.sasl_password.get_secret_value(),
        ssl_ca_file=kafka.ssl_ca_file,
        ssl_certificate_file=kafka.ssl_certificate_file,
        ssl_key_file=kafka.ssl_key_file,
    )


def connection(settings: Settings) -> Connection:
    """Return the cluster that the settings name, or the embedded broker if it answers.

    Raises:
        BrokerUnavailableError: no broker is named, or the embedded one is gone.
        ConfigurationError: security settings that do not fit together.

    """
    return Connection(resolve_bootstrap(settings), security(settings.kafka))


def resolve_bootstrap(settings: Settings) -> str:
    """Return the broker's address: the setting, else that in `broker.json` if that broker answers.

    Raises:
        BrokerUnavailableError: neither; the text says what to do.

    """
    if settings.kafka.bootstrap_servers:
        return settings.kafka.bootstrap_servers
    found = embedded_bootstrap_servers(settings.state_path)
    if found is None:
        raise no_broker_known()
    if not _answers(found):
        message = f"The embedded broker at {found} does not answer: start it again with `ragpulse broker start`."
        raise BrokerUnavailableError(message)
    return found


def ssl_context(kafka: KafkaSettings) -> ssl.SSLContext | None:
    """Return the TLS context for libraries that take one; None where the connection is not encrypted.

    Raises:
        ConfigurationError: security settings that do not fit together, or a file that cannot be used.

    """
    if not security(kafka).uses_ssl:
        return None
    return _loaded_context(kafka)


def faust_credentials(kafka: KafkaSettings) -> Any:
    """Return Faust's `broker_credentials`; None where the broker asks for none. Needs the [worker] extra.

    Raises:
        ConfigurationError: security settings that do not fit together, or a file that cannot be used.

    """
    import faust  # noqa: PLC0415 - the base install has no Faust and uses the rest of this module

    context, chosen = ssl_context(kafka), security(kafka)
    if chosen.uses_sasl:
        return faust.SASLCredentials(
            username=chosen.sasl_username,
            password=chosen.sasl_password,
            mechanism=chosen.sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None


def _loaded_context(kafka: KafkaSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=kafka.ssl_ca_file)
        if kafka.ssl_certificate_file:
            context.load_cert_chain(kafka.ssl_certificate_file, kafka.ssl_key_file)
    except OSError as error:  # ssl.SSLError is one
        message = f"Kafka security: a certificate or key file cannot be used ({error})."
        raise ConfigurationError(message) from error
    return context


def _answers(bootstrap_servers: str) -> bool:
    client = AdminClient({"bootstrap.servers": bootstrap_servers}, logger=LIBRDKAFKA_LOGGER)
    try:
        return bool(client.list_topics(timeout=_PROBE_SECONDS).brokers)
    except KafkaException:
        return False
