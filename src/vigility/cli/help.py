"""Makes groups of commands and the examples at the end of a help text, so that all look the same."""

from __future__ import annotations

import typer

from vigility.cli.console import show


def command_group(summary: str) -> typer.Typer:
    """Make a group that shows its help if it is called without a command."""
    group = typer.Typer(help=summary, rich_markup_mode=None)

    @group.callback(invoke_without_command=True)
    def show_help(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            show(context.get_help())

    return group


def examples(*lines: str) -> str:
    """Return the end of a help text: example commands. The backspace stops Click from wrapping the lines."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
