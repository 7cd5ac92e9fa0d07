"""A secret that is created once and kept in a file that only its owner, or a group of ours, can read."""

from __future__ import annotations

import logging
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from vigility.core.errors import StoreUnavailable

logger: Final = logging.getLogger("vigility")

_BYTES: Final = 48
_OWNER_ONLY: Final = 0o600


def kept_secret(path: Path) -> bytes:
    """The secret in the file. If there is no file yet, it is created with a random secret.

    Processes that start at the same time agree on one secret: each links a complete file to the name, and
    only the first one can. Raises StoreUnavailable if the file cannot be created or read, or if others may
    read it. A group may, if this process is in it: Kubernetes gives the files of a volume to such a group
    (`fsGroup`) at each start. The log warns of it.
    """
    try:
        if not path.exists():
            _create(path)
        _require_private(path, path.stat())
        return path.read_bytes().strip()
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from error


def _require_private(path: Path, found: os.stat_result) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if mode & stat.S_IRWXO:
        raise StoreUnavailable(f"{path}: others may read this secret: run chmod 600 on it")
    if not mode & stat.S_IRWXG:
        return
    if found.st_gid not in {os.getegid(), *os.getgroups()}:
        raise StoreUnavailable(
            f"{path}: the group {found.st_gid} may read this secret, and this process is not in it: "
            "run chmod 600 on it"
        )
    logger.warning("%s: the group %d may read this secret, and so act as any user", path, found.st_gid)


def _create(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        os.fchmod(descriptor, _OWNER_ONLY)  # the umask may have taken even the owner's permissions
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first
            os.link(draft, path)
    finally:
        draft.unlink()
        _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    """Make the directory durable. Otherwise a power cut could lose the secret, and every session."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
