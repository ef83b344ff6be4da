"""Asks workers on this machine whether they are ready, through the cards that they leave in the state directory."""

import json
from collections.abc import Iterable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from ragpulse.console.supervisor import Worker


def all_ready(state_dir: Path, workers: Iterable[Worker]) -> bool:
    """Return whether each worker's `/readyz` says yes."""
    return all(_ready(state_dir, worker) for worker in workers)


def _ready(state_dir: Path, worker: Worker) -> bool:
    if worker.process is None:
        return False
    card = state_dir / "workers" / f"{worker.role}-{worker.process.pid}.json"
    try:
        port = int(json.loads(card.read_bytes())["port"])
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, URLError, ValueError):
        return False
