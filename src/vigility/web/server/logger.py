"""gunicorn's logger, writing to standard error without ever waiting for whoever reads it.

The master logs before it acts on a signal, and a worker logs in its event loop. Behind a pipe that nobody
reads any more, both would stand still for good.
"""

from __future__ import annotations

import logging
import os
import select
import sys
from contextlib import suppress
from typing import Any, Final

from gunicorn.glogging import Logger as GunicornLogger


class Logger(GunicornLogger):  # type: ignore[misc]
    """Given to gunicorn as `logger_class`."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn's
        """Called at the start and at each reload."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
                handler.setStream(ImpatientStream(sys.stderr.fileno()))


class ImpatientStream:
    """Writes text to a file descriptor; what cannot be written at once is lost, and counted."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: Final = descriptor
        self._lost = 0

    def write(self, text: str) -> None:
        """Write text, or lose it."""
        data = text.encode("utf-8", "backslashreplace")
        if self._lost:
            data = b"(%d messages were lost because nobody read them)\n" % self._lost + data
        pieces = [data[start : start + select.PIPE_BUF] for start in range(0, len(data), select.PIPE_BUF)]
        with suppress(OSError):  # the reader is gone
            if all(self._has_written(piece) for piece in pieces):
                self._lost = 0
                return
        self._lost += 1

    def flush(self) -> None:
        """Does nothing: nothing is kept."""

    def _has_written(self, piece: bytes) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        if not any(event & select.POLLOUT for _, event in poll.poll(0)):
            return False
        os.write(self._descriptor, piece)  # a pipe that is ready has room for so much
        return True
