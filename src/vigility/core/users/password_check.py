"""Verifying passwords: in the same time for every user, and with hashes that keep up with the settings."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from vigility.core.errors import InvalidInput, StoreError
from vigility.core.times import Clock
from vigility.core.users.model import User
from vigility.core.users.ports import AdjustableHasher, PasswordHasher, UserRepository
from vigility.core.validators import valid_password_hash

# Which costs are in use is read from all users, in some 0.1 s for a million of them. It changes when someone
# changes the settings; a cost that a sign-in meets in between is taken note of at once.
_COSTS_KNOWN_FOR: Final = timedelta(hours=1)


class PasswordCheck:
    """Verifies passwords by `hasher`, and stores renewed hashes in `users`."""

    def __init__(self, users: UserRepository, hasher: PasswordHasher, clock: Clock) -> None:
        self._users = users
        self._hasher = hasher
        self._clock = clock
        self._costs_read: datetime | None = None

    def verify(self, user: User | None, forms: Sequence[str]) -> User | None:
        """The user if one of these forms of a password is theirs, with a renewed hash if that was due.

        Takes the same time for every user, and for None. The first form is the one to hash.
        """
        self._learn_costs()
        stored = user.password_hash if user else None
        form = next((form for form in forms if self._hasher.verify(form, stored)), None)
        if user is None or stored is None or form is None:
            return None
        is_outdated = isinstance(self._hasher, AdjustableHasher) and self._hasher.is_outdated(stored)
        return self._renewed(user, stored, forms[0]) if is_outdated or form != forms[0] else user

    def _renewed(self, user: User, stored: str, password: str) -> User:
        # The password is right in any case. The next sign-in tries again.
        with suppress(StoreError, InvalidInput):
            renewed = valid_password_hash(self._hasher.hash(password))
            if self._users.replace_password_hash(user.id, stored, renewed):
                return replace(user, password_hash=renewed)
        return user

    def _learn_costs(self) -> None:
        hasher, now = self._hasher, self._clock()
        if not isinstance(hasher, AdjustableHasher):
            return
        if self._costs_read is None or abs(now - self._costs_read) >= _COSTS_KNOWN_FOR:
            hasher.note_costs(self._users.password_hash_beginnings(hasher.beginning_length))
            self._costs_read = now
