"""Replay of a recorded request trace: real arrivals and sizes, the rest from a stated and seeded model.

::

    plan = Plan(speed=30, faults=(Fault("latency", "support-bot", Span(60, 100)),))
    for due_seconds, event in schedule(read_trace(), plan): ...   # or: play(schedule(...), client)
"""

from ragpulse.console.replay.faults import Fault, Span, parse_fault
from ragpulse.console.replay.model import service_names
from ragpulse.console.replay.player import play
from ragpulse.console.replay.schedule import Plan, duration_seconds, schedule
from ragpulse.console.replay.trace import PACKAGED_TRACE, Request, read_trace

__all__ = [
    "PACKAGED_TRACE",
    "Fault",
    "Plan",
    "Request",
    "Span",
    "duration_seconds",
    "parse_fault",
    "play",
    "read_trace",
    "schedule",
    "service_names",
]
