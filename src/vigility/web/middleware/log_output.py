"""Where the lines of the access log go: standard output, whatever that is."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from select import PIPE_BUF
from typing import Final

from vigility.web.middleware.background_writer import NotWritten

_FILE_BYTES: Final = 256 * 1024


class StandardOutput:
    """Writes lines so that those of several workers do not mix. For one thread at a time."""

    def __init__(self) -> None:
        self._is_in_line = False  # the last write ended within a line: the disk was full

    def __call__(self, lines: bytes) -> None:
        """Write whole lines. Raises NotWritten: the disk is full, or the reader of the log is gone."""
        descriptor = sys.stdout.fileno()
        begin = 0
        try:
            mode = os.fstat(descriptor).st_mode
            is_file = stat.S_ISREG(mode) or stat.S_ISCHR(mode)  # a terminal and /dev/null are like files
            if self._is_in_line:  # so that the next line is whole again
                os.write(descriptor, b"\n")
                self._is_in_line = False
            # What one call writes to a file stays together, and up to PIPE_BUF bytes elsewhere.
            for piece in _pieces(lines, _FILE_BYTES if is_file else PIPE_BUF):
                end = begin + len(piece)
                while begin < end:
                    begin += os.write(descriptor, lines[begin:end])
        except OSError:  # requests are still served
            self._is_in_line = self._is_in_line or (begin > 0 and lines[begin - 1 : begin] != b"\n")
            raise NotWritten(lines.count(b"\n", begin)) from None


def _pieces(lines: bytes, most: int) -> Iterator[bytes]:
    """Whole lines in pieces of at most so many bytes. Every line is shorter."""
    begin = 0
    while begin < len(lines):
        end = lines.rfind(b"\n", begin, begin + most) + 1
        yield lines[begin:end]
        begin = end
