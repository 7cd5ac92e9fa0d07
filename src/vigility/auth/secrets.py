"""A secret that is created once and kept in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from vigility.core.errors import StoreUnavailable

_BYTES: Final = 48


def kept_secret(path: Path) -> bytes:
    """The secret in the file. If there is no file yet, it is created with a random secret.

    Processes that start at the same time agree on one secret: each links a complete file to the name, and
    only the first one can. Raises StoreUnavailable if the file cannot be created or read, or if others may
    read it.
    """
    try:
        if not path.exists():
            _create(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise StoreUnavailable(f"{path}: others may read this secret: run chmod 600 on it")
        return path.read_bytes().strip()
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from error


def _create(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
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
