"""Invalid lines of a file: shows them with number and reason, counts them, and keeps them to be fixed."""

from __future__ import annotations

from typing import BinaryIO, Final

from vigility.cli.progress import Progress

# As many as fit on a screen. A bug in the program that writes a file affects every line of it.
SHOWN: Final = 20


class RejectLog:
    """Counts the rejected lines, shows the first of them, and writes all to `file`, if there is one."""

    def __init__(self, progress: Progress, file: BinaryIO | None = None) -> None:
        self.rejected = 0
        self._progress = progress
        self._file = file
        self._needs_header = file is not None and file.tell() == 0

    def add(self, line: int, reason: str, record: bytes, header: bytes | None = None) -> None:
        """Reject a record. The file begins with the header, so that it can be sent again after the fixes."""
        self.rejected += 1
        if self.rejected <= SHOWN:
            self._progress.log(f"line {line:,}: {reason}")
        if self._file is None:
            return
        if self._needs_header and header is not None:
            self._file.write(header + b"\n")
        self._needs_header = False
        self._file.write(record + b"\n")

    def flush(self) -> None:
        """Flush the file."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Show how many lines were rejected but not shown."""
        if self.rejected > SHOWN:
            self._progress.log(f"and {self.rejected - SHOWN:,} more invalid lines")
