"""Refuses an option that is given twice but takes one value. Typer would silently use the last one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from vigility.cli.errors import UsageError


def refuse_repeats(app: typer.Typer) -> None:
    """Make every command and group below `app` refuse repeated options. Call it when all are registered."""
    for command in app.registered_commands:
        command.cls = _Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            refuse_repeats(group.typer_instance)
    app.info.cls = _Group


class _Command(TyperCommand):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # type: ignore[explicit-override] # noqa: ANN401
        _check(self, ctx, args)
        return super().parse_args(ctx, args)


class _Group(TyperGroup):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # type: ignore[explicit-override] # noqa: ANN401
        _check(self, ctx, args)
        return super().parse_args(ctx, args)


def _check(command: TyperCommand | TyperGroup, context: Any, args: list[str]) -> None:  # noqa: ANN401
    """Parse the arguments once more, only to see what there is: the parser's result keeps the last value."""
    if context.resilient_parsing:  # the shell asks for completions
        return
    _, _, order = command.make_parser(context).parse_args(args=list(args))
    for parameter, times in Counter(order).items():
        if times > 1 and not parameter.multiple and not getattr(parameter, "is_flag", False):
            name = parameter.opts[0]
            raise UsageError(f"{name} takes one value, but is given {times} times. {_see(context)}")


def _see(context: Any) -> str:  # noqa: ANN401
    return f"See: {context.command_path} --help"
