"""`processing`: what an application says about how personal data was handled; the evidence that regulations are judged on.

All fields are optional: what is absent was not said, and is never taken for a yes or a no. Unknown fields are ignored.
"""

from typing import Annotated

from msgspec import Meta, Struct

from ragpulse.schemas.query_event import Text

MAX_RETENTION_DAYS = 36_525  # a hundred years


class Processing(Struct, frozen=True, gc=False):
    """Evidence of one processing of data."""

    purpose: Text | None = None
    legal_basis: Text | None = None
    consent_id: Text | None = None
    data_categories: Annotated[list[Text], Meta(max_length=64)] | None = None
    region: Text | None = None
    retention_days: Annotated[int, Meta(ge=0, le=MAX_RETENTION_DAYS)] | None = None
    encrypted_in_transit: bool | None = None
    encrypted_at_rest: bool | None = None
    authenticated: bool | None = None
    authorized: bool | None = None
    mfa: bool | None = None
    redacted: bool | None = None
