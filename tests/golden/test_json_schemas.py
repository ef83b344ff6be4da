"""schemas/json holds the JSON Schema of everything that other programs write or read, the policy file included."""

import json
import re

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from golden_files import Golden
from ragpulse.schemas.alert import Alert, Delivery, Notification
from ragpulse.schemas.policy import Policy
from ragpulse.schemas.query_event_model import QueryEventModel
from ragpulse.schemas.rejected_event import RejectedEvent
from ragpulse.schemas.signal import Signal
from ragpulse.schemas.sla import SlaCompliance, Violation
from ragpulse.schemas.window import Window
from ragpulse.streams.topology import TOPICS

#: Title of each published schema: the name of the contract in the topology, and the policy.
READ_BY_US: dict[str, type[BaseModel]] = {"QueryEvent": QueryEventModel, "Policy": Policy}
WRITTEN_BY_US: dict[str, type[BaseModel]] = {
    contract.__name__: contract
    for contract in (RejectedEvent, Window, SlaCompliance, Violation, Signal, Alert, Notification, Delivery)
}
INTERNAL = {"Flush", "SegmentRecord", "Snapshot"}


def schema_of(title: str) -> dict[str, object]:
    schema = (
        READ_BY_US[title].model_json_schema(mode="validation")
        if title in READ_BY_US
        else WRITTEN_BY_US[title].model_json_schema(mode="serialization")
    )
    return {"$schema": Draft202012Validator.META_SCHEMA["$id"], **schema, "title": title}


@pytest.mark.parametrize("title", [*READ_BY_US, *WRITTEN_BY_US])
def test_the_schema_of_a_contract_is_current(title: str, golden: Golden) -> None:
    schema = schema_of(title)

    Draft202012Validator.check_schema(schema)
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", title).lower()
    golden(f"schemas/json/{name}.json", json.dumps(schema, indent=2, ensure_ascii=False) + "\n")


def test_every_topic_has_a_published_schema_or_is_internal() -> None:
    assert READ_BY_US.keys() | WRITTEN_BY_US.keys() | INTERNAL == {topic.contract for topic in TOPICS}
