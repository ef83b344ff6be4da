"""A worker process for tests: reads a topic and commits at every multiple of 100 offsets. Says what it does on stdout.

Arguments: bootstrap servers, group, topic.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faust.types import TP

from ragpulse.agents import batch_transport
from ragpulse.agents.faust_settings import BatchApp, recommended_conf
from ragpulse.agents.fencing import fenced_event_loop
from ragpulse.agents.record_batch import BatchSchema

SESSION_SECONDS = 2.0


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def serve(bootstrap: str, group: str, topic: str) -> None:
    app = BatchApp(group, broker=f"batch://{bootstrap}", **recommended_conf(session_timeout=SESSION_SECONDS))

    async def read(stream: Any) -> None:
        consumer = app.consumer
        assert isinstance(consumer, batch_transport.Consumer)
        async for batch in stream:
            say("read", batch.offsets[0], batch.offsets[-1])
            mark = batch.next_position // 100 * 100
            if consumer.mark(TP(batch.topic, batch.partition), mark, f"mark-{mark}", batch.epoch):
                await consumer.commit_marks()
                say("committed", mark)

    app.agent(app.topic(topic, schema=BatchSchema()))(read)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await app.start()
    await stop.wait()
    await app.stop()


@contextmanager
def worker(kafka: str, topic: str, directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a worker process; whatever happens it is gone at the end of the block."""
    command = [sys.executable, __file__, kafka, "group-of-" + topic, topic]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=directory) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str], beginning: str) -> str:
    """Wait for a line that begins like this; the test's time limit bounds it."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(beginning):
            return line.rstrip()
    message = f"the worker ended with {process.wait()} before it said {beginning!r}"
    raise AssertionError(message)


if __name__ == "__main__":
    loop = fenced_event_loop(SESSION_SECONDS)
    asyncio.set_event_loop(loop)
    loop.run_until_complete(serve(*sys.argv[1:4]))
