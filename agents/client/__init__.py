"""Produce query events to ragpulse.

::

    from ragpulse.client import Client, query_event

    with Client() as client:
        client.send(query_event(service="support-bot", latency_ms=412.0))
"""

from ragpulse.client.builder import query_event
from ragpulse.client.client import Client, Statistics
from ragpulse.client.connection import Security
from ragpulse.client.failures import DeliveryFailure
from ragpulse.schemas.errors import BufferFullError, DeliveryError, InvalidEventError
from ragpulse.schemas.query_event import Document, Quality, QueryEvent

__all__ = [
    "BufferFullError",
    "Client",
    "DeliveryError",
    "DeliveryFailure",
    "Document",
    "InvalidEventError",
    "Quality",
    "QueryEvent",
    "Security",
    "Statistics",
    "query_event",
]
