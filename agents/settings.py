"""Addresses, secrets and process settings. The only reader of the environment.

What is promised and who is told is not here but in `policy.yaml`.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ragpulse.client.connection import state_directory
from ragpulse.schemas.errors import ConfigurationError


class KafkaSettings(BaseModel):
    """How to reach the broker. ``bootstrap_servers`` empty: the embedded broker's `broker.json` is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap_servers: str = ""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_username: str = ""
    sasl_password: SecretStr = SecretStr("")
    ssl_ca_file: Path | None = None
    ssl_certificate_file: Path | None = None
    ssl_key_file: Path | None = None
    session_timeout_seconds: float = Field(default=10.0, ge=1.0, le=300.0)
    request_timeout_seconds: float = Field(default=30.0, ge=1.0, le=120.0)
    replication: int = Field(default=1, ge=1, le=7)


class IngestSettings(BaseModel):
    """Ingest role."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ticks: bool = True  # off: a silent partition's windows never become final
    tick_after_seconds: float = Field(default=5.0, gt=0)
    tick_every_seconds: float = Field(default=10.0, gt=0)
    flush_seconds: float = Field(default=0.5, gt=0)
    block_size: int | None = Field(default=None, ge=1)  # tests only; else 50,000 or 1,000,000 / partitions
    store_rejected_payload: bool = True


class SloSettings(BaseModel):
    """SLO role."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    snapshot_seconds: float = Field(default=30.0, gt=0)
    silent_after_seconds: float = Field(default=15.0, gt=0)
    hold_limit_seconds: float = Field(default=900.0, gt=0)


class NotifySettings(BaseModel):
    """Notify role."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: int = Field(default=4, ge=1, le=20)
    backoff_seconds: float = Field(default=1.0, gt=0)
    deadline_seconds: float = Field(default=15.0, gt=0)


class Settings(BaseSettings):
    """All settings: ``RAGPULSE_<NAME>``, nested ones ``RAGPULSE_KAFKA__<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="RAGPULSE_", env_nested_delimiter="__", frozen=True, extra="ignore")

    kafka: KafkaSettings = KafkaSettings()
    topic_prefix: str = Field(default="rag.", pattern=r"[A-Za-z0-9._-]{1,64}")
    policy_file: Path | None = None
    state_dir: Path | None = None
    channels: dict[str, SecretStr] = Field(default_factory=dict)
    channels_file: Path | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics_port: int = Field(default=0, ge=0, le=65_535)  # 0: a free one
    ingest: IngestSettings = IngestSettings()
    slo: SloSettings = SloSettings()
    notify: NotifySettings = NotifySettings()

    @cached_property
    def state_path(self) -> Path:
        """Return the directory for `broker.json`, logs and process files (not created)."""
        # The SDK finds `broker.json` there, too, and has no settings: one rule for both.
        return self.state_dir or state_directory(os.environ)


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        ConfigurationError: a variable is wrong; all wrong ones are named, without their values.

    """
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"RAGPULSE_{'__'.join(str(part) for part in item['loc']).upper()}: {item['msg']}" for item in error.errors()
        )
        message = f"The environment has wrong settings: {problems}."
        raise ConfigurationError(message) from None
