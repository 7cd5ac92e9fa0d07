"""The files of one open SQLite database: whether they are still those at its path, and may be read."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from vigility.adapters.sql.error_translation import REMOVED
from vigility.adapters.sql.sqlite.permissions import may_read, may_write, share_with_group
from vigility.core.errors import StoreUnavailable

logger: Final = logging.getLogger("vigility")

CHANGED: Final = "its file changed while it was read"
_UNREADABLE: Final = "it cannot be read"

# The times of files advance in steps of up to 10 ms. Within one, a later change would not show.
_STEP_NANOSECONDS: Final = 20_000_000

_File = tuple[int, int]
"""The device and the inode: what a file is, whatever its name."""

Opened = Sequence[tuple[str, _File]]
"""Paths, and what was at each when a connection was opened."""


class Snapshot(NamedTuple):
    """What differs after somebody has written to a file."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


class DatabaseFiles:
    """The database at `path`, and the files that SQLite makes beside it.

    Attributes:
        database: the file itself, whatever link leads to it.
        lock: the lock file among the writers.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        # Both are absolute: a daemon changes its directory.
        self._given = os.path.abspath(path)  # noqa: PTH100 - not resolved: a link may come to lead elsewhere
        self.database = path.resolve()
        self.lock = self._beside("-lock")
        self._log, self._index, self._journal = map(self._beside, ("-wal", "-shm", "-journal"))
        self._first: _File | None = None
        self._last_opened: Opened = ()

    def opened(self) -> Opened:
        """What a connection that has just read the database has open.

        Raises StoreUnavailable if the database is not the one that was opened first.
        """
        file = _file_at(self._given)
        if self._first is None:
            self._first = file
        if file is None or file != self._first:
            raise self._removed(self._given)
        database = os.stat(self.database)  # noqa: PTH116 - as below
        for made in (self._log, self._index):
            share_with_group(made, database)
        beside = [(str(path), found) for path in (self._log, self._index) if (found := _file_at(str(path)))]
        self._last_opened = ((self._given, file), *beside)
        return self._last_opened

    def require_present(self) -> None:
        """Raise StoreUnavailable if the path no longer leads to the database that was opened first."""
        if self._first is not None and _file_at(self._given) != self._first:
            raise self._removed(self._given)

    def require_same(self, opened: Opened) -> None:
        """Raise StoreUnavailable if a path leads to another file than the one that is open, or to none.

        Whatever was written then would be in a file that nobody finds again. It takes 2 µs for each path.
        """
        for path, file in opened:
            if _file_at(path) != file:
                raise self._removed(path)

    def must_be_left_alone(self) -> bool:
        """Whether SQLite would make files here which the owner of the database may not write to."""
        made = self._log.exists() and self._index.exists()
        return not made and not may_write(self.database)

    def snapshot(self) -> Snapshot:
        """The state of a database whose content is in one file.

        Raises StoreUnavailable, which says why, if it cannot be read, or a part of it may be in another file.
        """
        for path in (self.database, self._log, self._index):
            if path.exists() and not may_read(path):
                raise StoreUnavailable(f"{path}: Permission denied", _UNREADABLE)
        for path in (self._log, self._journal):
            if _size(path):
                raise StoreUnavailable(
                    f"{path}: holds changes that are not in {self.database.name} yet; to read them takes "
                    "write access to the database and its folder",
                    _UNREADABLE,
                )
        return _snapshot(self.database)

    def require_unchanged(self, before: Snapshot) -> None:
        """Raise StoreUnavailable if anybody wrote to the database since."""
        if _size(self._log) or _size(self._journal) or _snapshot(self.database) != before:
            raise StoreUnavailable(f"{self.name}: {CHANGED}: try again", CHANGED)

    def progress(self) -> object:
        """What differs after another writer has written, or has begun another batch."""
        return [_modified(path) for path in (self._log, self.database, self.lock)]

    def _beside(self, end: str) -> Path:
        return self.database.with_name(self.database.name + end)

    def _removed(self, path: str) -> StoreUnavailable:
        self._set_log_aside()
        end = path.removeprefix(str(self.database)) if path != self._given else ""
        what = f"{self.name}{end}: {REMOVED} since it was opened: put it back, or restart this program"
        return StoreUnavailable(what, REMOVED)

    def _set_log_aside(self) -> None:
        """Rename the -wal and the -shm of a database in whose place another one is.

        SQLite would take them for parts of the other one. Nothing is lost: whoever has the first one open
        has them open too, and closing it at its own path again still puts the content of the -wal into it.
        """
        if _file_at(str(self.database)) in {None, self._first}:
            return
        for path, file in self._last_opened[1:]:
            if _file_at(path) == file:
                aside = f"{path}.of-replaced-file-{file[1]}"
                with suppress(OSError):
                    os.rename(path, aside)  # noqa: PTH104 - a text
                    logger.warning("%s belongs to the file that was replaced: renamed to %s", path, aside)


def _file_at(path: str) -> _File | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - half the time of Path's, and in every transaction
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def _snapshot(path: Path) -> Snapshot:
    found = path.stat()
    age = time.time_ns() - found.st_mtime_ns
    if 0 <= age < _STEP_NANOSECONDS:
        time.sleep((_STEP_NANOSECONDS - age) / 1e9)
        found = path.stat()
    return Snapshot(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _modified(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns
