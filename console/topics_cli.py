"""`ragpulse topics`: create, list and check the topics."""

from collections.abc import Sequence
from typing import Any

import typer

from ragpulse.agents.broker_admin import BrokerAdmin
from ragpulse.agents.settings import Settings, load_settings
from ragpulse.agents.topic_setup import TopicReport, create_topics, refuse_problems, report_topics
from ragpulse.console.printing import JsonOption, for_programs, print_json, print_table

app = typer.Typer(help="The topics of the pipeline.", no_args_is_help=True, add_completion=False)


@app.command()
def create(as_json: JsonOption = False) -> None:
    """Create the topics that are missing. What exists is never changed.

    Exit code 78 if one exists with another number of partitions: keys would move, so that is left to you.
    """
    settings = load_settings()
    _print(create_topics(BrokerAdmin.of(settings), settings), as_json)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the topics: whether they exist, and what drifted from what ragpulse creates."""
    settings = load_settings()
    _print(_reports(settings), as_json)


@app.command()
def check(as_json: JsonOption = False) -> None:
    """Do as `list` does; exit code 78 if workers cannot work with the topics as they are."""
    reports = _reports(load_settings())
    _print(reports, as_json)
    refuse_problems(reports)


def _reports(settings: Settings) -> list[TopicReport]:
    return report_topics(BrokerAdmin.of(settings), settings)


def _print(reports: Sequence[TopicReport], as_json: bool) -> None:
    if for_programs(as_json):
        for report in reports:
            print_json(_as_json(report))
        return
    print_table(("topic", "partitions", "state", "drift"), map(_row, reports))


def _as_json(report: TopicReport) -> dict[str, Any]:
    return {
        "topic": report.name,
        "contract": report.topic.contract,
        "partitions": report.topic.partitions,
        "state": report.state,
        "drift": [{"setting": it.setting, "has": it.has, "wants": it.wants} for it in report.drift],
        "problem": report.problem(),
    }


def _row(report: TopicReport) -> tuple[str, str, str, str]:
    drift = "; ".join(f"{it.setting} is {it.has}, created with {it.wants}" for it in report.drift)
    colour = "red" if report.problem() else "green"
    return report.name, str(report.topic.partitions), f"[{colour}]{report.state}[/]", drift
