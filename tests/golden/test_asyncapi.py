"""schemas/json/asyncapi.json describes the topics that other programs write or read, for their tools."""

import json
import re
import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from golden_files import Golden
from ragpulse.streams.topology import QUERY_EVENTS, TOPICS, Topic
from repository import ROOT

SCHEMAS = ROOT / "schemas" / "json"
BINDING_VERSION = "0.5.0"
#: What the Kafka binding knows of a topic's configuration.
BOUND_SETTINGS = {"retention.ms", "max.message.bytes"}


def file_of(contract: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", contract).lower() + ".json"


PUBLISHED = [topic for topic in TOPICS if (SCHEMAS / file_of(topic.contract)).exists()]


def channel(topic: Topic) -> dict[str, Any]:
    config = {name: int(value) for name, value in topic.config.items() if name in BOUND_SETTINGS}
    return {
        "address": topic.full_name("rag."),
        "description": f"Record key: {topic.key}.",
        "messages": {topic.contract: {"$ref": f"#/components/messages/{topic.contract}"}},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {"cleanup.policy": [topic.config["cleanup.policy"]], **config},
                "bindingVersion": BINDING_VERSION,
            }
        },
    }


def message(topic: Topic) -> dict[str, Any]:
    return {
        "name": topic.contract,
        "contentType": "application/json",
        "payload": {"$ref": file_of(topic.contract)},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": BINDING_VERSION}},
    }


def operation(topic: Topic) -> dict[str, Any]:
    return {
        "action": "receive" if topic == QUERY_EVENTS else "send",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{topic.contract}"}],
    }


def document() -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": project["name"],
            "version": project["version"],
            "description": f"{project['description']} Addresses are shown with the default prefix, rag.",
            "license": {"name": project["license"]},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: channel(topic) for topic in PUBLISHED},
        "operations": {f"{operation(topic)['action']}-{topic.name}": operation(topic) for topic in PUBLISHED},
        "components": {"messages": {topic.contract: message(topic) for topic in PUBLISHED}},
    }


def test_the_asyncapi_document_is_current(golden: Golden) -> None:
    golden("schemas/json/asyncapi.json", json.dumps(document(), indent=2, ensure_ascii=False) + "\n")


def looked_up(reference: str) -> Any:
    """Return what a JSON reference inside the document leads to."""
    file, _, pointer = reference.partition("#")
    found = json.loads((SCHEMAS / (file or "asyncapi.json")).read_text())
    for step in pointer.split("/")[1:]:
        found = found[step]
    return found


def test_every_reference_in_the_document_leads_somewhere() -> None:
    references = re.findall(r'"\$ref": "([^"]+)"', (SCHEMAS / "asyncapi.json").read_text())

    assert len(references) > len(PUBLISHED)
    assert all(looked_up(reference) for reference in references)


@pytest.mark.parametrize("topic", [topic for topic in PUBLISHED if topic != QUERY_EVENTS], ids=lambda topic: topic.name)
def test_the_schema_of_an_outgoing_event_asks_for_its_identity(topic: Topic) -> None:
    schema = json.loads((SCHEMAS / file_of(topic.contract)).read_text())

    Draft202012Validator.check_schema(schema)
    if topic.contract != "Policy":
        assert {"id", "at_ms"} <= set(schema["required"])
