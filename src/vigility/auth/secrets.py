"""A secret that is made once and kept in a file only its owner can read."""

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
    """The secret in the file; made at random where there is none yet.

    Processes that start at once agree on one: a whole file is linked to the name, which only the first
    can do. Raises StoreUnavailable where the file cannot be made or read, or others may read it.
    """
    try:
        if not path.exists():
            _make(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise StoreUnavailable(f"{path}: others may read this secret: run chmod 600 on it")
        return path.read_bytes().strip()
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from error


def _make(path: Path) -> None:
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
        _make_entries_durable(path.parent)


def _make_entries_durable(folder: Path) -> None:
    """Without this a power cut could take the secret back, and with it every session."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
