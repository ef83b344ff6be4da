"""A command group whose members are imported when they are run: `ragpulse --help` stays quick and needs no extras."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer.main
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """One command: where it is, and the line that `--help` shows."""

    name: str
    module: str
    app: str  # name of the typer application in the module
    help: str
    panel: str


def lazy_group(commands: tuple[LazyCommand, ...]) -> type[TyperGroup]:
    """Return a group class of these commands, in this order."""
    table: Final = {command.name: command for command in commands}

    class LazyGroup(TyperGroup):
        """Shows stand-ins, runs the real ones."""

        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands = {name: _stand_in(command) for name, command in table.items()}

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            name, stand_in, rest = super().resolve_command(ctx, args)
            return name, stand_in and _load(table[str(name)]), rest

    return LazyGroup


def _stand_in(command: LazyCommand) -> TyperCommand:
    return TyperCommand(command.name, help=command.help, rich_help_panel=command.panel)


def _load(command: LazyCommand) -> Any:
    return typer.main.get_command(getattr(import_module(command.module), command.app))
