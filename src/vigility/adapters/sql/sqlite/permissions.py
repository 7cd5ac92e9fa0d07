"""Who may open the files of an SQLite database.

A new database is readable and writable by its owner only: it holds the hashes of passwords. If its mode is
changed later, to share it with a group, the files beside it follow it: SQLite gives the -wal and the -shm the
mode of the database, and this module does the rest. Only those who may write to the database can open the
lock file, so nobody else can stop the writers by holding the lock.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_PRIVATE: Final = 0o600
_OPEN: Final = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
_CREATE: Final = _OPEN | os.O_CREAT | os.O_EXCL
_GROUP: Final = stat.S_IRWXG
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_READ_FOR_WRITE: Final = 3  # the bits `w`, times this, are `rw`


def create_database(path: Path) -> None:
    """Create an empty file that only its owner may open, whatever the umask. Does nothing if it exists.

    Raises OSError.
    """
    if not path.exists():
        with suppress(FileExistsError):  # another process was first
            os.close(_create(path))


def may_write(path: Path) -> bool:
    """Whether the permissions let this process write to the file or the folder."""
    return _may(path, os.W_OK)


def may_read(path: Path) -> bool:
    """Whether the permissions let this process read the file."""
    return _may(path, os.R_OK)


def open_lock_file(lock_file: Path, database: Path | None) -> int:
    """Open the lock file of a database; create it if it is missing.

    Raises OSError, which names the database rather than its lock file if not even that may be written to.
    """
    while True:
        try:
            return os.open(lock_file, _OPEN)
        except FileNotFoundError:
            with suppress(FileExistsError):  # another process was first
                return _create_lock_file(lock_file, database)
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EROFS, errno.EPERM}:
                raise
            _replace_lock_file(lock_file, database, error)


def follow_database(lock_file: Path, database: Path) -> None:
    """Give an existing lock file the mode and the group that follow from the database's, if it is ours."""
    with suppress(OSError):
        descriptor = os.open(lock_file, _OPEN)
        try:
            _share(descriptor, database)
        finally:
            os.close(descriptor)


def share_with_group(path: Path, database: os.stat_result) -> None:
    """Give a file that SQLite made the group of the database, if that group may use the database.

    SQLite does this for root only. Otherwise the file has the group of this process.
    """
    if not database.st_mode & _GROUP:
        return
    with suppress(OSError):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and found.st_gid != database.st_gid and found.st_uid == os.geteuid():
            os.chown(path, -1, database.st_gid, follow_symlinks=False)


def _create(path: Path) -> int:
    descriptor = os.open(path, _CREATE, _PRIVATE)
    with suppress(PermissionError):  # a file system without permissions
        os.fchmod(descriptor, _PRIVATE)  # the umask may have taken even the owner's
    return descriptor


def _create_lock_file(lock_file: Path, database: Path | None) -> int:
    if database is not None and not may_write(database):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(database))
    try:
        descriptor = _create(lock_file)
    except OSError as error:
        raise _named(error, lock_file, database) from None
    if database is not None:
        with suppress(OSError):  # it is a lock file of mode 600 then
            _share(descriptor, database)
    return descriptor


def _replace_lock_file(lock_file: Path, database: Path | None, error: OSError) -> None:
    """Put a new lock file in the place of one that cannot be opened, made when the database was not shared.

    Whoever holds the lock on the old one is found out by `file_lock`, or by SQLite's own lock. Raises OSError
    unless this process may write to the database and to the folder.
    """
    if database is None or not (may_write(database) and may_write(lock_file.parent)):
        raise _named(error, lock_file, database) from None
    draft = lock_file.with_name(f"{lock_file.name}.{secrets.token_hex(8)}")
    descriptor = _create_lock_file(draft, database)
    os.close(descriptor)
    try:
        draft.replace(lock_file)
    except OSError:  # such as in a folder in which only owners may delete
        draft.unlink(missing_ok=True)
        raise error from None


def _share(descriptor: int, database: Path) -> None:
    """Give the open file the group of the database, and `rw` for those who may write to the database."""
    wanted, found = database.stat(), os.fstat(descriptor)
    owner = wanted.st_uid if os.geteuid() == 0 else found.st_uid
    if (found.st_uid, found.st_gid) != (owner, wanted.st_gid):
        os.fchown(descriptor, owner, wanted.st_gid)  # fails, and grants nothing, if we are not in that group
    mode = _PRIVATE | (wanted.st_mode & _OTHERS_WRITE) * _READ_FOR_WRITE
    if stat.S_IMODE(found.st_mode) != mode:
        os.fchmod(descriptor, mode)


def _named(error: OSError, lock_file: Path, database: Path | None) -> OSError:
    """The error about the file that is meant: the database, if it may not be written to either."""
    about = lock_file if database is None or may_write(database) else database
    return OSError(error.errno, os.strerror(error.errno or 0), str(about))


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)
