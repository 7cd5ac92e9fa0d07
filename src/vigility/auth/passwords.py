"""Password hashes by bcrypt."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection
from functools import cache
from typing import Final

import bcrypt

ROUNDS: Final = 12
"""bcrypt's cost as a power of two: a hash takes about 0.2 s of one core. OWASP asks for 10 or more."""

MAX_ROUNDS: Final = 16
"""The highest cost that can be set. A hash of a higher one was put into the database by other means."""

_BEGINNING: Final = re.compile(r"\$2[abxy]\$([0-9]{2})\$")


class BcryptHasher:
    """Implements `vigility.core.users.ports.AdjustableHasher`.

    bcrypt takes at most 72 bytes and stops at a NUL. So it gets the base64 of the password's SHA-256 instead:
    44 bytes that depend on the whole password.
    """

    beginning_length: Final = 7

    def __init__(self, rounds: int = ROUNDS) -> None:
        self._rounds = rounds
        self._highest = rounds  # in use, as far as is known

    def hash(self, password: str) -> str:
        """A salted hash of all of `password`."""
        return bcrypt.hashpw(_digest(password), bcrypt.gensalt(self._rounds)).decode("ascii")

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash is of this password. A refusal takes the time of the highest cost in use.

        So it does not tell an unknown user (None) from one whose hash was made at another cost.
        """
        digest = _digest(password)
        rounds = _rounds_of(password_hash or "")
        try:
            if password_hash is not None and bcrypt.checkpw(digest, password_hash.encode()):
                return True
        except ValueError:  # another hasher made it
            rounds = None
        if rounds is None:
            bcrypt.checkpw(digest, _unmatchable_hash(self._highest))
            return False
        self.note_costs([password_hash or ""])
        # Each round doubles the time: one hash at 10, one at 10 and one at 11 take as long as one at 12.
        for lower in range(rounds, self._highest):
            bcrypt.checkpw(digest, _unmatchable_hash(lower))
        return False

    def is_outdated(self, password_hash: str) -> bool:
        """See `AdjustableHasher.is_outdated`. A hash of a higher cost is kept: it is the better one."""
        rounds = _rounds_of(password_hash)
        return rounds is not None and rounds < self._rounds

    def note_costs(self, beginnings: Collection[str]) -> None:
        """See `AdjustableHasher.note_costs`."""
        known = [rounds for beginning in beginnings if (rounds := _rounds_of(beginning)) is not None]
        self._highest = max(self._highest, *(rounds for rounds in known if rounds <= MAX_ROUNDS), 0)


@cache
def _unmatchable_hash(rounds: int) -> bytes:
    # Assembled, not computed: otherwise the first sign-in with an unknown name would take twice as long.
    return bcrypt.gensalt(rounds) + b"." * 31


def _rounds_of(beginning: str) -> int | None:
    match = _BEGINNING.match(beginning)
    return int(match[1]) if match else None


def _digest(password: str) -> bytes:
    return base64.b64encode(hashlib.sha256(password.encode()).digest())
