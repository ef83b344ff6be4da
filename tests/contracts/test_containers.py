"""docker-compose.yml and deploy/Dockerfile say the same as the topology, the settings and the package."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ragpulse.agents.settings import Settings, load_settings
from ragpulse.console.broker.configuration import server_properties
from ragpulse.console.broker.places import Workspace
from ragpulse.streams.topology import KAFKA_VERSION, ROLES

TOP = Path(__file__).parents[2]
COMPOSE_FILE = TOP / "docker-compose.yml"
DOCKERFILE = (TOP / "deploy" / "Dockerfile").read_text()

Service = dict[str, Any]


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    document = yaml.safe_load(COMPOSE_FILE.read_text())
    found: dict[str, Service] = document["services"]
    return found


def workers(services: dict[str, Service]) -> dict[str, Service]:
    return {name: service for name, service in services.items() if service.get("command", [""])[0] == "worker"}


def test_docker_compose_accepts_the_file(services: dict[str, Service]) -> None:
    compose = shutil.which("docker-compose")
    if compose is not None:
        checked = subprocess.run(
            [compose, "-f", COMPOSE_FILE, "config", "-q"], capture_output=True, text=True, check=False
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    for name, service in services.items():
        assert {"image", "build"} & service.keys(), name
        assert service.get("depends_on", {}).keys() <= services.keys(), name
        assert all(isinstance(value, str) for value in service.get("environment", {}).values()), name


def test_there_is_one_container_a_role(services: dict[str, Service]) -> None:
    commands = {name: service["command"] for name, service in workers(services).items()}

    assert commands == {role.name: ["worker", role.name] for role in ROLES}


def test_roles_start_when_the_topics_are_there_and_topics_when_kafka_answers(services: dict[str, Service]) -> None:
    for service in workers(services).values():
        assert service["depends_on"] == {"topics": {"condition": "service_completed_successfully"}}
    assert services["topics"]["command"] == ["topics", "create"]
    assert services["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}


def test_kafka_is_the_version_of_the_topology_everywhere(services: dict[str, Service]) -> None:
    pom = (TOP / "console" / "broker" / "pom.xml").read_text()

    assert services["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    assert re.findall(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>(.*)</version>", pom) == [KAFKA_VERSION]


def test_kafka_in_the_container_is_configured_as_the_embedded_one(services: dict[str, Service]) -> None:
    embedded = server_properties(Workspace(Path("/")), 9092, 9093, {})
    addresses = {"listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs"}
    container = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in services["kafka"]["environment"].items()
    }
    common = (container.keys() & embedded.keys()) - addresses

    assert {name: container[name] for name in common} == {name: embedded[name] for name in common}
    assert common >= {name for name in embedded if name.endswith((".factor", ".min.isr", "auto.create.topics.enable"))}


def test_the_settings_of_the_roles_exist_and_are_valid(
    services: dict[str, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in (services["topics"], *workers(services).values()):
        for name, value in service["environment"].items():
            field, *nested = name.removeprefix("RAGPULSE_").lower().split("__")
            assert field in Settings.model_fields, name
            if nested:
                assert nested[0] in Settings.model_fields[field].annotation.model_fields, name  # type: ignore[union-attr]
            monkeypatch.setenv(name, value)
    settings = load_settings()

    assert settings.kafka.bootstrap_servers == "kafka:9092"
    assert f"127.0.0.1:{settings.metrics_port}/healthz" in str(services["ingest"]["healthcheck"])


def test_the_image_installs_locked_packages_and_every_folder_of_the_package() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())
    folders = {Path(folder).parts[0] for folder in project["tool"]["setuptools"]["package-dir"].values()}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}

    assert "pip install --require-hashes -r requirements.txt" in DOCKERFILE
    assert folders <= sources
    assert {source for source in sources if not (TOP / source).exists()} == set()
    ignored_except = set(re.findall(r"^!(\S+)", (TOP / "deploy" / "Dockerfile.dockerignore").read_text(), re.MULTILINE))
    assert ignored_except == sources


def test_the_image_does_not_run_as_root() -> None:
    final_stage = DOCKERFILE.rsplit("\nFROM ", 1)[1]

    assert final_stage.startswith("python:3.11-slim\n")
    assert re.findall(r"^USER (\S+)", final_stage, re.MULTILINE) == ["ragpulse"]
