"""The event that every benchmark uses: about 700 bytes, with documents and processing evidence, seeded.

The same seed gives the same bytes, so that ragpulse and its peers read the same topic.
"""

from collections.abc import Iterator
from random import Random

import msgspec

FIRST_MS = 1_764_000_000_000
MODELS = ("gpt-4o", "claude-sonnet", "mistral-large")
CLASSIFICATIONS = ("public", "internal", "confidential")
EVIDENCE = [
    {
        "purpose": purpose,
        "legal_basis": legal_basis,
        "data_categories": ["contact"],
        "region": "eu-west-1",
        "retention_days": 30,
        "encrypted_in_transit": True,
        "encrypted_at_rest": True,
        "authenticated": True,
        "authorized": True,
    }
    for purpose in ("customer_support", "claims_handling", "research")
    for legal_basis in ("contract", "consent")
]


def events(
    count: int, services: int = 1_000, per_second: int = 50_000, seed: int = 1, first_ms: int = FIRST_MS
) -> Iterator[bytes]:
    """Yield event values in the order of their time, ``per_second`` of them a second of event time."""
    random = Random(seed)
    for index in range(count):
        yield msgspec.json.encode(_event(random, first_ms + index * 1_000 // per_second, random.randrange(services)))


def _event(random: Random, occurred_at_ms: int, service: int) -> dict[str, object]:
    failed = random.random() < 0.01
    return {
        "event_id": f"{random.getrandbits(128):032x}",
        "occurred_at_ms": occurred_at_ms,
        "service": f"assistant-{service:04}",
        "operation": "query_processing",
        "status": "error" if failed else "ok",
        "latency_ms": round(random.lognormvariate(6.5, 0.6), 2),
        "tenant": "acme",
        "model": MODELS[service % 3],
        "quality_score": round(random.betavariate(8, 2), 3),
        "cost_usd": round(random.uniform(0.0005, 0.02), 6),
        "input_tokens": random.randrange(200, 4_000),
        "output_tokens": random.randrange(20, 800),
        "user_id": f"user-{random.randrange(20_000):05}",
        "user_role": "agent",
        "documents": [_document(random, rank) for rank in range(3)],
        "processing": EVIDENCE[service % len(EVIDENCE)],
    }


def _document(random: Random, rank: int) -> dict[str, object]:
    return {
        "id": f"doc-{random.randrange(100_000):05}",
        "score": round(0.9 - rank * 0.1 - random.random() * 0.1, 3),
        "classification": CLASSIFICATIONS[rank],
    }
