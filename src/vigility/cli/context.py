"""What one run of the command line carries from its global options to its command."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import typer

from vigility.bootstrap import DEFAULT_URL, connect, is_postgres, shown, sqlite_path
from vigility.cli.errors import UsageError, named
from vigility.cli.signals import Signals
from vigility.core.service import Vigility


@dataclass(slots=True)
class RunContext:
    """One run. `exit_code` is what it ends with where no error decides."""

    signals: Signals = field(default_factory=Signals)
    database: str = DEFAULT_URL
    exit_code: int = 0

    def open(self) -> Vigility:
        """The database that the user chose; a context manager."""
        with named(database="--database (or DATABASE_URL)"):
            return connect(self.database)

    @property
    def database_name(self) -> str:
        """The database as a person would name it, without a password."""
        return shown(self.database)

    def forbid_overwriting(self, output: Path) -> None:
        """Raise UsageError where `output` is the database: one slip must not cost all events."""
        files = _files_of(self.database)
        if any(file.exists() and output.exists() and output.samefile(file) for file in files):
            raise UsageError(f"{output} belongs to the database: write to another file")

    @property
    def command(self) -> str:
        """How to type `vigility` so that it means the same database again."""
        if self.database == DEFAULT_URL:
            return "vigility"
        from shlex import quote

        named = shown(self.database) if is_postgres(self.database) else self.database
        return f"vigility --database {quote(named)}"


def _files_of(url: str) -> tuple[Path, ...]:
    if url == "memory:" or is_postgres(url):
        return ()
    database = sqlite_path(url).resolve()
    ends = ("", "-wal", "-shm", "-lock", "-secret")
    return tuple(database.with_name(database.name + end) for end in ends)


def run_context(context: typer.Context) -> RunContext:
    """The session of the run that `context` belongs to."""
    return context.ensure_object(RunContext)
