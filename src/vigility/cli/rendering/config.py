"""Settings in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from vigility.cli.rendering.terminal import ByWidth, name, plain_table

# What the values need beside the names. With less, each value goes below its name.
_VALUES: Final = 24

Row = tuple[str, str, str]
"""The name of a setting, its value, and where the value is from."""


def settings_view(rows: Sequence[Row]) -> ByWidth:
    """Return what shows the settings, by the width of the terminal."""
    needed = sum(max(len(row[column]) for row in rows) for column in (0, 2)) + _VALUES
    return ByWidth(lambda width: _wide(rows) if width >= needed else _narrow(rows))


def _wide(rows: Sequence[Row]) -> Table:
    table = plain_table()
    table.add_column("Setting", no_wrap=True)
    table.add_column("Value", overflow="fold")
    table.add_column("From", no_wrap=True)
    for setting, value, place in rows:
        table.add_row(setting, name(value), place)
    return table


def _narrow(rows: Sequence[Row]) -> Table:
    table = plain_table()
    table.add_column("Setting\n  Value", overflow="fold")
    table.add_column("From", no_wrap=True)
    for setting, value, place in rows:
        table.add_row(Text(f"{setting}\n  ").append_text(name(value)), place)
    return table
