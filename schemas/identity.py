"""Derived identifiers: the same cause gives the same id, in every process and on every replay."""

from hashlib import sha256

import orjson

type_error = "an identity field is text, an integer or null, so that its canonical form is unique"


def derived_id(*fields: str | int | None) -> str:
    """Return the first 32 hex digits of SHA-256 over the canonical JSON array of the identity fields.

    Integers, text and null have one JSON form each, which makes the array canonical; floats have not and are refused.

    Raises:
        TypeError: a field is of another type.

    """
    if any(isinstance(field, bool) or not isinstance(field, str | int | None) for field in fields):
        raise TypeError(type_error)
    return sha256(orjson.dumps(list(fields))).hexdigest()[:32]
