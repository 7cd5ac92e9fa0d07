"""Password hashes by bcrypt."""

from __future__ import annotations

import base64
import hashlib
from functools import cached_property
from typing import Final

import bcrypt

ROUNDS: Final = 12
"""bcrypt's cost as a power of two: a hash takes about 0.2 s of one core. OWASP asks for 10 or more."""


class BcryptHasher:
    """Implements `vigility.core.users.ports.PasswordHasher`.

    bcrypt takes at most 72 bytes and stops at a NUL. So it gets the base64 of the password's SHA-256 instead:
    44 bytes that depend on the whole password.
    """

    def __init__(self, rounds: int = ROUNDS) -> None:
        self._rounds = rounds

    def hash(self, password: str) -> str:
        """A salted hash of all of `password`."""
        return bcrypt.hashpw(_digest(password), bcrypt.gensalt(self._rounds)).decode("ascii")

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash is of this password. None is compared with a hash that matches no password."""
        known = password_hash is not None
        matches = bcrypt.checkpw(_digest(password), (password_hash or self._unmatchable_hash).encode("ascii"))
        return known and matches

    @cached_property
    def _unmatchable_hash(self) -> str:
        # Assembled, not computed: otherwise the first sign-in with an unknown name would take twice as long.
        return bcrypt.gensalt(self._rounds).decode("ascii") + "." * 31


def _digest(password: str) -> bytes:
    return base64.b64encode(hashlib.sha256(password.encode()).digest())
