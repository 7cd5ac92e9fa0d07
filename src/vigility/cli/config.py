"""`vigility config`: each setting, its value, and where that is from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vigility.cli.console import log, show
from vigility.cli.context import DATABASE_URL, RunContext, run_context
from vigility.cli.help import examples

if TYPE_CHECKING:
    from vigility.config import Effective
    from vigility.environment import Variable

HIDDEN: Final = "(hidden)"
NOT_SET: Final = "(not set)"

EXAMPLES = examples(
    "vigility config",
    "vigility config --json | jq '.[] | select(.from != \"default\")'",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One setting as it is shown. A secret has no value here."""

    name: str
    value: object
    hidden: bool
    variable: Variable | None
    chosen: bool

    @property
    def origin(self) -> str:
        """Where the value is from: default, environment, file or option."""
        if self.chosen:
            return "option"
        if self.variable is None:
            return "default"
        return "environment" if self.variable.file is None else "file"

    @property
    def place(self) -> str:
        """The origin for a person."""
        if self.origin == "file" and self.variable is not None:
            return f".env, line {self.variable.line}"
        return "--database" if self.chosen else self.origin

    @property
    def shown(self) -> str:
        """The value for a person."""
        if self.hidden:
            return HIDDEN
        if isinstance(self.value, tuple):
            return ",".join(map(str, self.value)) or NOT_SET
        return NOT_SET if self.value is None else str(self.value)

    def as_json(self) -> dict[str, object]:
        """The line for a program."""
        value = [str(part) for part in self.value] if isinstance(self.value, tuple) else self.value
        place: dict[str, object] = {"from": self.origin}
        if self.variable is not None and self.variable.file is not None:
            place |= {"file": str(self.variable.file), "line": self.variable.line}
        return {"name": self.name, "value": value, "hidden": self.hidden, **place}


def config(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Show each setting and where it is from.

    A value is from an option, from the environment, from the file .env in the current folder, or it is the
    default. All commands read the same settings. Secrets are hidden.
    """
    from vigility.config import effective_settings

    run = run_context(context)
    effective = effective_settings(database_url=run.chosen_database)
    lines = [_line(run, effective, field) for field in type(effective.settings).model_fields]
    if as_json:
        from vigility.cli.rendering.machine import json_text

        show(json_text([line.as_json() for line in lines]))
    else:
        _show(lines)
    _log_unknown(run, {line.name for line in lines})


def _line(run: RunContext, effective: Effective, field: str) -> Line:
    from pydantic import SecretStr

    from vigility.config import variable_of

    name, value = variable_of(field), getattr(effective.settings, field)
    chosen = name == DATABASE_URL and run.chosen_database is not None
    if name == DATABASE_URL:
        url = run.database_url
        value = value if url.address is None else url.safe_text
    hidden = isinstance(value, SecretStr)
    return Line(name, None if hidden else value, hidden, effective.variables.get(field), chosen)


def _show(lines: list[Line]) -> None:
    from vigility.cli.rendering.config import settings_view
    from vigility.cli.rendering.terminal import standard_output

    standard_output().print(settings_view([(line.name, line.shown, line.place) for line in lines]))
    for file in {line.variable.file for line in lines if line.variable and line.variable.file}:
        show(f"\n.env is {file}")


def _log_unknown(run: RunContext, names: set[str]) -> None:
    """Name the variables that look like settings and are none: they are misspelled."""
    from difflib import get_close_matches

    from vigility.config import PREFIX

    for variable in run.variables:
        name = variable.name.upper()
        if name.startswith(PREFIX) and name not in names:
            alike = get_close_matches(name, names, n=1)
            log(f"{variable.title} is not a setting" + (f"; did you mean {alike[0]}?" if alike else ""))
