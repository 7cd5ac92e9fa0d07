"""What becomes of lines that are wrong: shown by number and reason, counted, kept to be mended."""

from __future__ import annotations

from typing import BinaryIO, Final

from vigility.cli.progress import Progress

# As many as fit a screen; one slip in a program that writes files is on every line.
SHOWN: Final = 20


class RejectLog:
    """Counts the wrong lines; shows the first of them, and writes all verbatim to a file if there is one."""

    def __init__(self, progress: Progress, rejects: BinaryIO | None = None) -> None:
        self.count = 0
        self._progress = progress
        self._rejects = rejects
        self._header_wanted = rejects is not None and rejects.tell() == 0

    def add(self, line: int, reason: str, record: bytes, header: bytes | None = None) -> None:
        """A record is wrong. The header goes before the first in the file, so that it can be sent again."""
        self.count += 1
        if self.count <= SHOWN:
            self._progress.say(f"line {line:,}: {reason}")
        if self._rejects is None:
            return
        if self._header_wanted and header is not None:
            self._rejects.write(header + b"\n")
        self._header_wanted = False
        self._rejects.write(record + b"\n")

    def flush(self) -> None:
        """Put on disk what was added."""
        if self._rejects is not None:
            self._rejects.flush()

    def close(self) -> None:
        """Say how many more there were than were shown."""
        if self.count > SHOWN:
            self._progress.say(f"and {self.count - SHOWN:,} more wrong lines")
