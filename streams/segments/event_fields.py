"""The fields of some events as columns: one pass takes the events apart, and what follows looks at whole columns."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import astuple

from ragpulse.schemas.query_event import Quality, QueryEvent

Field = Sequence[Any]
Fields = dict[str, Field]


def fields_of(events: Sequence[QueryEvent]) -> Fields:
    """Return the fields of at least one event, and ``key``: (tenant, service, operation, variant) of each."""
    fields: Fields = dict(zip(QueryEvent.__struct_fields__, zip(*map(astuple, events), strict=True), strict=True))
    fields["key"] = tuple(zip(fields["tenant"], fields["service"], fields["operation"], fields["variant"], strict=True))
    return fields


def is_missing_throughout(field: Field) -> bool:
    """Say whether no event has the field. Most optional fields of most producers: worth one comparison."""
    return field[0] is None and field.count(None) == len(field)


def lengths(lists: Field) -> Field:
    """Return how long each list is, None where there is none."""
    return [None if one is None else len(one) for one in lists]


def quality_dimensions(qualities: Field) -> Fields:
    """Return the dimensions of `Quality`, a column each; ``accuracy`` counts as faithfulness where that is missing."""
    nothing = Quality()
    rows = zip(*(astuple(quality or nothing) for quality in qualities), strict=True)
    dimensions: Fields = dict(zip(Quality.__struct_fields__, rows, strict=True))
    pairs = zip(dimensions["faithfulness"], dimensions.pop("accuracy"), strict=True)
    dimensions["faithfulness"] = [
        accuracy if faithfulness is None else faithfulness for faithfulness, accuracy in pairs
    ]
    return dimensions
