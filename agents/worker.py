"""One worker: settings and topics checked, app built, role started, signals obeyed, a clear end.

The app is started as a service of our own event loop and not through `faust worker`: that one opens a web server on all
interfaces whatever the settings say, and takes the signals for itself.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterable, Awaitable
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec
import structlog
from faust.app.base import BootStrategy

from ragpulse.agents import batch_transport, logs, service_http
from ragpulse.agents.alerting import Alerting
from ragpulse.agents.broker_admin import BrokerAdmin
from ragpulse.agents.faust_settings import BatchApp, recommended_conf
from ragpulse.agents.fencing import FencedEventLoop, fenced_event_loop
from ragpulse.agents.ingest import Ingest
from ragpulse.agents.kafka_config import connection, faust_credentials
from ragpulse.agents.log_reader import LogReader
from ragpulse.agents.metrics import Meter
from ragpulse.agents.notify import Notify
from ragpulse.agents.outbox import Outbox
from ragpulse.agents.policy_file import load_policy
from ragpulse.agents.record_batch import BatchSchema, RecordBatch
from ragpulse.agents.role import Role, RoleContext, every
from ragpulse.agents.settings import Settings
from ragpulse.agents.slo import Slo
from ragpulse.agents.topic_setup import require_topics
from ragpulse.agents.topic_watch import WATCH_SECONDS, TopicWatch
from ragpulse.client.connection import Connection
from ragpulse.schemas.errors import RagpulseError, StuckError
from ragpulse.streams.topology import POLICIES
from ragpulse.streams.topology import role as role_facts

ROLE_CLASSES: Final[dict[str, Any]] = {"ingest": Ingest, "slo": Slo, "alerting": Alerting, "notify": Notify}
BUG: Final = 70
#: Together below the 20 s after which `ragpulse dev` and orchestrators kill.
DRAIN_SECONDS: Final = 12.0
STOP_SECONDS: Final = 6.0
DEAF_SECONDS: Final = 5.0  # an event loop that did not turn for so long is no longer alive to /healthz


def run_worker(name: str, settings: Settings) -> int:
    """Run one worker until it is told to stop; return the exit code.

    Raises:
        UsageError, ConfigurationError, BrokerUnavailableError, CredentialsError: it cannot start; the text says what to do.

    """
    logs.configure(settings.log_level, name)
    policy = load_policy(settings)
    target = connection(settings)
    admin = BrokerAdmin(target)
    facts = role_facts(name)
    needed = dict.fromkeys((facts.reads, *facts.writes, POLICIES.name))
    found = require_topics(admin, settings, needed)
    prefix = len(settings.topic_prefix)
    topic_facts = {full_name[prefix:]: (fact.topic_id, fact.partitions) for full_name, fact in found.items()}
    loop = fenced_event_loop(settings.kafka.session_timeout_seconds)
    asyncio.set_event_loop(loop)
    app = _app(name, target, settings)
    meter = Meter()
    context = RoleContext(
        settings=settings,
        policy=policy,
        policy_digest=policy.digest(),
        app=app,
        outbox=Outbox(app.producer, settings.topic_prefix, meter, settings.kafka.request_timeout_seconds),
        meter=meter,
        log=structlog.get_logger(),
        reader=LogReader(target.librdkafka_options()),
        topic_facts=topic_facts,
        topic_watch=TopicWatch(admin, found),
    )
    return loop.run_until_complete(Worker(name, context).serve())


class Worker:
    """A role in its app, from start to drained end."""

    def __init__(self, name: str, context: RoleContext) -> None:
        self._name = name
        self._context = context
        self._role: Role = ROLE_CLASSES[name](context)
        self._stop = asyncio.Event()

    async def serve(self) -> int:
        """Run until SIGTERM or SIGINT."""
        app, log = self._context.app, self._context.log
        self._register()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        await self._guard(app.start())
        _tame_garbage_collection()
        await self._guard(self._publish_policy())
        beside = [*self._role.tasks(), every(WATCH_SECONDS, self._context.topic_watch.look)]
        tasks = [asyncio.create_task(self._guard(task)) for task in beside]
        tasks.append(asyncio.create_task(self._watch_app()))
        runner, port = await service_http.serve(
            self._context.meter,
            service_http.Health(_alive, self._role.not_ready),
            self._context.settings.metrics_port,
        )
        card = self._write_card(port)
        log.info("worker started", port=port, pid=os.getpid())
        await self._stop.wait()
        log.info("draining")
        await self._guard(_within(DRAIN_SECONDS, self._role.drain(), "draining"))
        for task in tasks:
            task.cancel()
        card.unlink(missing_ok=True)
        await runner.cleanup()
        await self._guard(_within(STOP_SECONDS, app.stop(), "leaving the consumer group"))
        log.info("worker ended")
        return 0

    def _register(self) -> None:
        app, role = self._context.app, self._role
        topic = app.topic(self._context.full_name(role.reads), schema=BatchSchema())

        async def take_over(partitions: set[Any], epoch: int) -> None:
            await self._guard(role.assigned(sorted(tp.partition for tp in partitions), epoch))

        async def consume(stream: AsyncIterable[RecordBatch]) -> None:
            await self._guard(role.consume(stream))

        app.on_assigned_before_read = take_over

        def revoke(_: set[Any]) -> None:
            self._context.meter.forget_partitions()
            role.revoked()

        app.on_revoked_at_once = revoke
        app.agent(topic, name=self._name)(consume)
        app.finalize()

    async def _guard(self, work: Awaitable[Any]) -> None:
        """Await work whose failure must end the process: the one stage wrapper.

        Faust would acknowledge the batch and go on. Here nothing is acknowledged, and the next start re-reads it.
        """
        try:
            await work
        except RagpulseError as error:
            _end(error.exit_code, str(error))
        except Exception as error:
            self._context.log.exception("bug")
            _end(BUG, f"{type(error).__name__}: {error}")

    async def _watch_app(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            reason = self._context.app.crash_reason or getattr(self._context.app.consumer, "crash_reason", None)
            if reason is not None:
                code = reason.exit_code if isinstance(reason, RagpulseError) else StuckError.exit_code
                _end(code, f"{type(reason).__name__}: {reason}")

    async def _publish_policy(self) -> None:
        policy = self._context.policy
        await self._context.outbox.send(POLICIES.name, self._context.policy_digest.encode(), policy.canonical())
        await self._context.outbox.acknowledged()

    def _write_card(self, port: int) -> Path:
        """Leave pid and port where `ragpulse` on this machine finds them."""
        directory = self._context.settings.state_path / "workers"
        directory.mkdir(parents=True, exist_ok=True)
        card = directory / f"{self._name}-{os.getpid()}.json"
        card.write_bytes(msgspec.json.encode({"role": self._name, "pid": os.getpid(), "port": port}))
        return card


def _app(name: str, target: Connection, settings: Settings) -> BatchApp:
    app = BatchApp(
        f"{settings.topic_prefix}{name}",
        broker=[f"{batch_transport.SCHEME}://{server}" for server in target.bootstrap_servers.split(",")],
        broker_credentials=faust_credentials(settings.kafka),
        **recommended_conf(
            session_timeout=settings.kafka.session_timeout_seconds,
            request_timeout=settings.kafka.request_timeout_seconds,
        ),
    )
    app.boot_strategy = BootStrategy(app, enable_web=False)
    return app


async def _within(seconds: float, work: Awaitable[Any], purpose: str) -> None:
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError as error:
        message = f"The worker did not end within {seconds:g} s ({purpose}): what is not committed is read again."
        raise StuckError(message) from error


def _tame_garbage_collection() -> None:
    """Keep the collector from walking, again and again, what lives as long as the process."""
    gc.collect()
    gc.freeze()
    # Python's 700 would walk the events of each batch: 25,000 saves about 1 µs an event.
    gc.set_threshold(25_000)


def _alive() -> str | None:
    loop = asyncio.get_running_loop()
    silent = loop.fence.standstill_seconds() if isinstance(loop, FencedEventLoop) else 0.0
    return f"the event loop did not turn for {silent:.1f} s" if silent > DEAF_SECONDS else None


def _end(code: int, sentence: str) -> NoReturn:
    """End at once: nothing that is still queued may be written."""
    structlog.get_logger().error("worker ends", exit_code=code, reason=sentence)
    sys.stderr.write(f"ragpulse: {sentence}\n")
    sys.stderr.flush()
    os._exit(code)
