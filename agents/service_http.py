"""`/healthz`, `/readyz` and `/metrics` of a worker, on loopback. Faust's own web server stays off: it listens on all interfaces."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from ragpulse.agents.metrics import Meter

Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Health:
    """What the endpoints ask the worker. Each returns None when all is well, else the reason in one sentence."""

    alive: Callable[[], str | None]
    ready: Callable[[], str | None]


async def serve(meter: Meter, health: Health, port: int) -> tuple[web.AppRunner, int]:
    """Serve until the runner is cleaned up; port 0 takes a free one. Return the runner and the port in use."""
    application = web.Application()
    application.add_routes(
        [
            web.get("/healthz", _probe(health.alive)),
            web.get("/readyz", _probe(health.ready)),
            web.get("/metrics", _metrics(meter)),
        ],
    )
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return runner, int(runner.addresses[0][1])


def _probe(ask: Callable[[], str | None]) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        reason = ask()
        return web.json_response({"ok": reason is None, "reason": reason}, status=200 if reason is None else 503)

    return handler


def _metrics(meter: Meter) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(
            body=meter.exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    return handler
