"""The live view of the demo on a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

SHOWN_EVENTS = 8


@dataclass(slots=True)
class Picture:
    """What the view shows at one moment."""

    stage: str = "starting"
    done: float = 0.0  # share of the trace that was sent
    produced: int = 0
    rate: float = 0.0  # events a second
    verdicts: Sequence[Mapping[str, Any]] = ()
    alerts: Sequence[Mapping[str, Any]] = ()
    received: int = 0
    faults: list[str] = field(default_factory=list)


def render(picture: Picture) -> RenderableType:
    """Draw the picture."""
    head = Text.assemble(
        (f"{picture.stage}  ", "bold"),
        f"{picture.produced:,} events produced, {picture.rate:,.0f}/s, {picture.received} notifications received",
    )
    return Group(
        head,
        _bar(picture.done),
        _services(picture.verdicts),
        _alerts(picture.alerts),
        *(Text(f"  injected: {fault}", style="dim") for fault in picture.faults),
    )


def latest_by_service(verdicts: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the newest verdict of each service."""
    newest: dict[tuple[Any, Any], Mapping[str, Any]] = {}
    for verdict in verdicts:
        newest[verdict["tenant"], verdict["service"]] = verdict
    return [newest[key] for key in sorted(newest)]


def _bar(done: float) -> RenderableType:
    line = Table.grid()  # a bar does not end its line by itself
    line.add_row(ProgressBar(total=1.0, completed=min(1.0, done), width=60))
    return line


def _services(verdicts: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(
        "service", "window", "samples", "P95", "availability", "quality", "SLA", title="Services", title_justify="left"
    )
    for verdict in latest_by_service(verdicts):
        compliant = verdict["sla_compliant"]
        mark = {True: "[green]kept[/]", False: "[red]broken[/]", None: "[yellow]not judged[/]"}[compliant]
        table.add_row(
            verdict["service"],
            "final" if verdict["final"] else "provisional",
            str(verdict["samples"]),
            _number(verdict["p95_latency_ms"], "{:,.0f} ms"),
            _number(verdict["availability"], "{:.2%}"),
            _number(verdict["average_quality_score"], "{:.3f}"),
            mark,
        )
    return table


def _alerts(alerts: Iterable[Mapping[str, Any]]) -> RenderableType:
    rows = [
        Text.assemble(
            (f"{alert['state']:<9}", "red bold" if alert["state"] == "firing" else "green bold"),
            f"{alert['severity']:<9}",
            alert["title"],
        )
        for alert in list(alerts)[-SHOWN_EVENTS:]
    ]
    return Panel(Group(*rows) if rows else Text("no alert so far", style="dim"), title="rag.alerts", title_align="left")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
