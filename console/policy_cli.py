"""`ragpulse policy`: what a policy file promises and who is told, or everything that is wrong with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from ragpulse.agents.channels import channel_urls
from ragpulse.agents.policy_file import channel_warnings, find_policy, parse_policy
from ragpulse.agents.settings import load_settings
from ragpulse.console.printing import JsonOption, for_programs, print_json, print_table, tell
from ragpulse.schemas.errors import ConfigurationError
from ragpulse.schemas.policy import Policy, Route, ServiceSla
from ragpulse.schemas.sla import ObjectiveName
from ragpulse.streams.sla.kinds import KINDS, PLAIN_WINDOWS

app: Final = typer.Typer(
    help="The policy: what is promised, and who is told.", no_args_is_help=True, add_completion=False
)


@app.callback()
def _group() -> None:
    """Keep `check` a command of its own, also while it is the only one."""


@app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help="The file; without it the one that workers would use.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a policy file and show what it promises and who is told; exit code 78 if it is wrong.

    Each problem is one line on stderr: file, line, key, what is wrong and what would be right.
    """
    try:
        settings = load_settings()
        source = find_policy(file or settings.policy_file)
        policy = parse_policy(source.name, source.data)
        warnings = channel_warnings(policy, channel_urls(settings))
    except ConfigurationError as error:
        _refuse(error, as_json)
        raise typer.Exit(error.exit_code) from None
    _show(source.name, policy, warnings, as_json)


def _refuse(error: ConfigurationError, as_json: bool) -> None:
    problems = str(error).splitlines()
    for problem in problems:
        tell(problem)
    if for_programs(as_json):
        print_json({"ok": False, "problems": problems})


def _show(name: str, policy: Policy, warnings: list[str], as_json: bool) -> None:
    promises = [promise for entry in policy.sla.services for promise in _promises(entry)]
    routes = [_route(route) for route in policy.routes]
    for warning in warnings:
        tell(f"warning: {warning}")
    if for_programs(as_json):
        print_json(
            {
                "ok": True,
                "file": name,
                "digest": policy.digest(),
                "promises": promises,
                "routes": routes,
                "warnings": warnings,
            },
        )
        return
    print_table(("service", "tenant", "promise", "judged on", "if broken"), map(_promise_row, promises))
    typer.echo()
    print_table(("route", "told of", "channels", "of the end too"), map(_route_row, routes))
    typer.echo(f"\n{name} is in order (digest {policy.digest()[:12]}).")


def _promises(entry: ServiceSla) -> Iterator[dict[str, Any]]:
    where = {"service": entry.service, "tenant": entry.tenant, "operation": entry.operation}
    plain = entry.sla_requirements
    if plain is not None:
        values = (
            (ObjectiveName.AVAILABILITY, plain.min_availability, "percent"),
            (ObjectiveName.P95_LATENCY_MS, plain.max_response_time, "s"),
            (ObjectiveName.QUALITY_SCORE, plain.min_quality_score, "ratio"),
        )
        for name, threshold, unit in values:
            if threshold is not None:
                yield {**where, **_promise(name, threshold, unit), "windows": list(PLAIN_WINDOWS)}
    for name, objective in entry.objectives.items():
        unit = "ms" if name is ObjectiveName.P95_LATENCY_MS else "ratio"
        promise = _promise(name, objective.threshold, unit)
        yield {
            **where,
            **promise,
            "severity": objective.severity or promise["severity"],
            "windows": list(objective.windows),
        }


def _promise(name: ObjectiveName, threshold: float, unit: str) -> dict[str, Any]:
    return {"objective": name, "threshold": threshold, "unit": unit, "severity": KINDS[name].severity}


def _promise_row(promise: dict[str, Any]) -> tuple[str, ...]:
    kind = KINDS[promise["objective"]]
    unit = {"ratio": "", "percent": " %"}.get(promise["unit"], f" {promise['unit']}")
    return (
        escape(promise["service"]),
        escape(promise["tenant"]),
        f"{kind.words} {kind.bound} {promise['threshold']:g}{unit}",
        f"{promise['operation']}, {' and '.join(promise['windows'])}",
        promise["severity"],
    )


def _route(route: Route) -> dict[str, Any]:
    return {
        "name": route.name,
        "severities": list(route.severities),
        "types": list(route.types),
        "service": route.service,
        "tenant": route.tenant,
        "channels": list(route.channels),
        "send_resolved": route.send_resolved,
    }


def _route_row(route: dict[str, Any]) -> tuple[str, ...]:
    conditions = (
        " or ".join(route["severities"]),
        " or ".join(route["types"]),
        "" if route["service"] == "*" else f"service {route['service']}",
        "" if route["tenant"] == "*" else f"tenant {route['tenant']}",
    )
    told_of = ", ".join(condition for condition in conditions if condition) or "everything else"
    return (
        escape(route["name"]),
        escape(told_of),
        ", ".join(route["channels"]),
        "yes" if route["send_resolved"] else "no",
    )
