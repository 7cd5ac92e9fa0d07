"""Invalid lines of files: shows them with number and reason, counts them, and keeps them to be fixed."""

from __future__ import annotations

from typing import Any, BinaryIO, Final

from vigility.cli.errors import CommandError
from vigility.cli.parsers.parsed_file import FileForm, ParsedFile
from vigility.cli.parsers.source import Source
from vigility.cli.progress import Progress, SilentProgress

# As many as fit on a screen. A bug in the program that writes a file affects every line of it.
SHOWN: Final = 20


class RejectLog:
    """Counts the rejected records, shows the first of them, and writes all to `file`, if there is one.

    `rejected` counts records, `lines` the lines that they take.
    """

    def __init__(self, file: BinaryIO | None = None) -> None:
        self.rejected = 0
        self.lines = 0
        self._file = file
        self._form: FileForm | None = None
        self._progress: Progress = SilentProgress()
        self._prefix = ""
        self._is_empty = file is not None and file.tell() == 0

    def begin(self, form: FileForm, progress: Progress, name: str = "") -> None:
        """Take the rejects of a file from now on. `name` is shown with each, if there are several files."""
        self._progress = progress
        self._prefix = f"{name}, " if name else ""
        if self._file is not None and self._form not in {None, form}:
            raise other_form(name)
        self._form = form

    def add(self, first: int, last: int, reason: str, record: bytes) -> None:
        """Reject a record of these lines.

        The file begins as the rejected one does, so that it can be imported as well after the fixes.
        """
        self.rejected += 1
        self.lines += last - first + 1
        if self.rejected <= SHOWN:
            goes_on = f" (this record goes on to line {last:,}: its quotes hold line breaks)"
            self._progress.log(f"{self._prefix}line {first:,}: {reason}{goes_on if last > first else ''}")
        if self._file is None or self._form is None:
            return
        if self._is_empty:
            self._file.write(self._form.beginning)
            self._is_empty = False
        self._file.write(self._form.stored(record))

    def flush(self) -> None:
        """Flush the file."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Show how many lines were rejected but not shown."""
        if self.rejected > SHOWN:
            self._progress.log(f"and {self.rejected - SHOWN:,} more invalid lines")


def log_ignored(file: ParsedFile[Any], source: Source, progress: Progress) -> None:
    """Name once what has no meaning here: a misspelled event_id would be among it."""
    what = "keys, as in the first line" if file.form.header is None else "columns"
    if file.ignored:
        progress.log(f"{source.name}: ignored {what}: {', '.join(file.ignored)}")


def other_form(name: str) -> CommandError:
    """The error of a file whose rejects do not fit into the file of those before."""
    return CommandError(
        f"{name} has other columns or another encoding than the files before it: its rejects need a file of "
        "their own, so import it on its own"
    )
