"""What one run of the command line passes from its global options to its command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypedDict, cast

import typer

from vigility.bootstrap import DEFAULT_URL, DatabaseUrl, backend_for, connect
from vigility.cli.errors import UsageError, named
from vigility.cli.signals import Signals
from vigility.core.errors import InvalidInput
from vigility.core.service import Vigility
from vigility.environment import Variable, Variables, whole_number

DATABASE_URL: Final = "DATABASE_URL"


class _Limits(TypedDict, total=False):
    """The settings that apply to events, whichever way they come."""

    oldest_event_days: int
    max_features: int


@dataclass(slots=True)
class RunContext:
    """One run.

    Attributes:
        signals: what ends the run early.
        chosen_database: the value of --database, or None if it was not given.
        variables: the environment and `.env`.
        exit_code: the exit code of a run that ends without an error.
    """

    signals: Signals = field(default_factory=Signals)
    chosen_database: str | None = None
    variables: Variables = field(default_factory=Variables)
    exit_code: int = 0

    @property
    def database(self) -> str:
        """The database of this run: --database, else DATABASE_URL, else the default."""
        if self.chosen_database is not None:
            return self.chosen_database
        variable = self.variables.get(DATABASE_URL)
        return DEFAULT_URL if variable is None else variable.value

    def open(self) -> Vigility:
        """Open the database that the user chose; a context manager."""
        with self.database_named():
            return connect(self.database)

    def open_for_tracking(self, oldest_event_days: int | None = None, *, upgrade: bool = True) -> Vigility:
        """Like `open`, with the settings that apply to events. `oldest_event_days` overrides one of them.

        Without `upgrade`, a database is neither made nor changed.
        """
        limits: _Limits = {}
        titles: dict[str, str] = {}
        if variable := self.variables.get("VIGILITY_OLDEST_EVENT_DAYS"):
            titles["oldest_event_days"] = variable.title
            limits["oldest_event_days"] = _whole_number(variable)
        if variable := self.variables.get("VIGILITY_MAX_FEATURES"):
            titles["max_features"] = variable.title
            limits["max_features"] = _whole_number(variable)
        if oldest_event_days is not None:
            limits["oldest_event_days"] = oldest_event_days
        with self.database_named(), named(**titles):
            return connect(self.database, upgrade=upgrade, **limits)

    @property
    def database_url(self) -> DatabaseUrl:
        """The chosen database, parsed. Raises InvalidInput."""
        with self.database_named():
            return DatabaseUrl.parse(self.database)

    @contextmanager
    def database_named(self) -> Iterator[None]:
        """Make errors about the database say where the user chose it."""
        variable = None if self.chosen_database is not None else self.variables.get(DATABASE_URL)
        with named(database=variable.title if variable else f"--database (or {DATABASE_URL})"):
            yield

    @property
    def database_name(self) -> str:
        """The database for messages, without a password."""
        return self.database_url.safe_text

    def forbid_overwriting(self, output: Path) -> None:
        """Raise UsageError if `output` is a file of the database: overwriting it would lose all events."""
        url = self.database_url
        for file in backend_for(url).files(url):
            if file.exists() and output.exists() and output.samefile(file):
                raise UsageError(f"{output} belongs to the database: write to another file")

    @property
    def command(self) -> str:
        """The beginning of a `vigility` command that uses the same database."""
        variable = self.variables.get(DATABASE_URL) if self.chosen_database is None else None
        if self.database == DEFAULT_URL or (variable and variable.file):
            return "vigility"
        from shlex import quote

        # Only the address of a server may contain a password. Other URLs are repeated as the user typed them.
        url = self.database_url
        return f"vigility --database {quote(self.database if url.address is None else url.safe_text)}"


def _whole_number(variable: Variable) -> int:
    try:
        return cast("int", whole_number(variable.value))
    except ValueError as error:
        raise InvalidInput(variable.title, str(error)) from None


def run_context(context: typer.Context) -> RunContext:
    """Return the run that `context` belongs to."""
    return context.ensure_object(RunContext)
