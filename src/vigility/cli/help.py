"""How groups of commands and their help are made, so that all look alike."""

from __future__ import annotations

import typer

from vigility.cli.console import show


def command_group(summary: str) -> typer.Typer:
    """A group that shows its help when it is called without a command."""
    group = typer.Typer(help=summary, rich_markup_mode=None)

    @group.callback(invoke_without_command=True)
    def show_help(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            show(context.get_help())

    return group


def examples(*lines: str) -> str:
    """The end of a help text: what one could type. The backspace keeps the lines as they are."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
