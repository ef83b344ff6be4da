"""Where the broker is and how to be let in, in librdkafka's words.

The SDK is imported by other people's programs, which have no ragpulse settings: this module reads the few variables that
it shares with the workers, `RAGPULSE_KAFKA__*`, and `broker.json`, which the embedded broker leaves in the state directory.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ragpulse.schemas.errors import BrokerUnavailableError, ConfigurationError

BOOTSTRAP_VARIABLE: Final = "RAGPULSE_KAFKA__BOOTSTRAP_SERVERS"
PREFIX_VARIABLE: Final = "RAGPULSE_TOPIC_PREFIX"
DEFAULT_PREFIX: Final = "rag."
PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """How to be let in. The same names as in ``RAGPULSE_KAFKA__<NAME>``.

    Raises:
        ConfigurationError: parts that do not fit together, before anything is sent anywhere: a password is never
            offered on a connection for which the caller did not choose SASL.

    """

    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "PLAIN"
    sasl_username: str = ""
    sasl_password: str = field(default="", repr=False)
    ssl_ca_file: Path | str | None = None
    ssl_certificate_file: Path | str | None = None
    ssl_key_file: Path | str | None = None

    def __post_init__(self) -> None:
        problem = self._wrong_choice() or self._wrong_sasl() or self._wrong_ssl()
        if problem:
            message = f"Kafka security: {problem}."
            raise ConfigurationError(message)

    @property
    def uses_sasl(self) -> bool:
        """Whether a user name and password are sent."""
        return self.security_protocol.startswith("SASL")

    @property
    def uses_ssl(self) -> bool:
        """Whether the connection is encrypted."""
        return self.security_protocol.endswith("SSL")

    def librdkafka_options(self) -> dict[str, str]:
        """Return the options as librdkafka names them. They hold the password: never log them."""
        options = {"security.protocol": self.security_protocol}
        if self.uses_sasl:
            options["sasl.mechanism"] = self.sasl_mechanism
            options["sasl.username"] = self.sasl_username
            options["sasl.password"] = self.sasl_password
        if self.uses_ssl:
            options |= {option: str(file) for option, (_, file) in self._files().items() if file}
        return options

    def _files(self) -> dict[str, tuple[str, Path | str | None]]:
        return {
            "ssl.ca.location": ("ssl_ca_file", self.ssl_ca_file),
            "ssl.certificate.location": ("ssl_certificate_file", self.ssl_certificate_file),
            "ssl.key.location": ("ssl_key_file", self.ssl_key_file),
        }

    def _wrong_choice(self) -> str | None:
        if self.security_protocol not in PROTOCOLS:
            return f"security_protocol is none of {', '.join(PROTOCOLS)}"
        if self.sasl_mechanism not in MECHANISMS:
            return f"sasl_mechanism is none of {', '.join(MECHANISMS)}"
        return None

    def _wrong_sasl(self) -> str | None:
        if self.uses_sasl:
            return (
                None if self.sasl_username and self.sasl_password else "sasl_username and sasl_password are both needed"
            )
        if self.sasl_username or self.sasl_password:
            return (
                f"sasl_username or sasl_password is set, but {self.security_protocol} does not use them: choose "
                "SASL_SSL (or SASL_PLAINTEXT, which sends them unencrypted)"
            )
        return None

    def _wrong_ssl(self) -> str | None:
        named = {name: file for name, file in self._files().values() if file}
        if named and not self.uses_ssl:
            return f"{', '.join(named)} is set, but {self.security_protocol} is not encrypted: choose SSL or SASL_SSL"
        if bool(self.ssl_certificate_file) != bool(self.ssl_key_file):
            return "ssl_certificate_file and ssl_key_file go together"
        missing = [f"{name} ({file})" for name, file in named.items() if not Path(file).is_file()]
        return f"{missing[0]} is no file" if missing else None


def security_from(environment: Mapping[str, str]) -> Security:
    """Read ``RAGPULSE_KAFKA__<NAME>`` for each field of `Security`.

    Raises:
        ConfigurationError: they do not fit together.

    """
    names = {name: f"RAGPULSE_KAFKA__{name.upper()}" for name in Security.__dataclass_fields__}
    return Security(**{name: environment[variable] for name, variable in names.items() if environment.get(variable)})


def state_directory(environment: Mapping[str, str]) -> Path:
    """Return ``RAGPULSE_STATE_DIR``, else `ragpulse` in the XDG state home."""
    if chosen := environment.get("RAGPULSE_STATE_DIR"):
        return Path(chosen)
    home = Path(environment.get("XDG_STATE_HOME", ""))
    # The XDG specification: a relative path there is to be ignored.
    return (home if home.is_absolute() else Path.home() / ".local" / "state") / "ragpulse"


def embedded_bootstrap_servers(state_dir: Path) -> str | None:
    """Return the address in the state directory's `broker.json`; None where there is none that can be read."""
    try:
        found = json.loads((state_dir / "broker.json").read_bytes())["bootstrap_servers"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def bootstrap_servers_from(environment: Mapping[str, str]) -> str:
    """Return the address of the broker: the variable, else that of the embedded broker.

    Raises:
        BrokerUnavailableError: neither is there.

    """
    found = environment.get(BOOTSTRAP_VARIABLE) or embedded_bootstrap_servers(state_directory(environment))
    if found is None:
        raise no_broker_known()
    return found


def no_broker_known() -> BrokerUnavailableError:
    """Say how to name or start a broker."""
    return BrokerUnavailableError(
        f"No Kafka broker is known: set {BOOTSTRAP_VARIABLE}, or start the embedded one with `ragpulse broker start`."
    )


@dataclass(frozen=True, slots=True)
class Connection:
    """One cluster and how to be let in."""

    bootstrap_servers: str
    security: Security

    def librdkafka_options(self) -> dict[str, str]:
        """Return what every librdkafka client needs to connect. They may hold a password: never log them."""
        return {"bootstrap.servers": self.bootstrap_servers, **self.security.librdkafka_options()}


def connection_from_environment(bootstrap_servers: str | None = None, security: Security | None = None) -> Connection:
    """Return the connection: what is given counts, the environment fills the rest.

    Raises:
        BrokerUnavailableError: no broker is named anywhere.
        ConfigurationError: security settings that do not fit together.

    """
    return Connection(bootstrap_servers or bootstrap_servers_from(os.environ), security or security_from(os.environ))
