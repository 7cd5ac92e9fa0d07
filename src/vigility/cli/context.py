"""What one run of the command line passes from its global options to its command."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import typer

from vigility.bootstrap import DEFAULT_URL, DatabaseUrl, backend_for, connect
from vigility.cli.errors import UsageError, named
from vigility.cli.signals import Signals
from vigility.core.service import Vigility


@dataclass(slots=True)
class RunContext:
    """One run. `exit_code` is the exit code of a run that ends without an error."""

    signals: Signals = field(default_factory=Signals)
    database: str = DEFAULT_URL
    exit_code: int = 0

    def open(self) -> Vigility:
        """Open the database that the user chose; a context manager."""
        with named(database="--database (or DATABASE_URL)"):
            return connect(self.database)

    @property
    def database_url(self) -> DatabaseUrl:
        """The chosen database, parsed. Raises InvalidInput."""
        with named(database="--database (or DATABASE_URL)"):
            return DatabaseUrl.parse(self.database)

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
        if self.database == DEFAULT_URL:
            return "vigility"
        from shlex import quote

        # Only the address of a server may contain a password. Other URLs are repeated as the user typed them.
        url = self.database_url
        return f"vigility --database {quote(self.database if url.address is None else url.safe_text)}"


def run_context(context: typer.Context) -> RunContext:
    """Return the run that `context` belongs to."""
    return context.ensure_object(RunContext)
