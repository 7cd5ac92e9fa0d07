"""Users in a dictionary."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, replace

from vigility.core.errors import StoreError, UsernameTaken
from vigility.core.users.model import NewUser, User


class MemoryUsers:
    """Implements `vigility.core.users.ports.UserRepository`."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._by_name: dict[str, User] = {}
        self._newest = 0

    def add(self, user: NewUser) -> User:
        """See `UserRepository.add`."""
        with self._lock:
            if user.username in self._by_name:
                raise UsernameTaken(user.username)
            self._newest += 1
            stored = User(id=self._newest, **asdict(user))
            self._by_name[user.username] = stored
            return stored

    def add_missing(self, users: Sequence[NewUser]) -> list[User]:
        """See `UserRepository.add_missing`."""
        with self._lock:
            return [self.add(user) for user in users if user.username not in self._by_name]

    def by_names(self, usernames: Collection[str]) -> dict[str, User]:
        """See `UserRepository.by_names`."""
        with self._lock:
            return {name: self._by_name[name] for name in usernames if name in self._by_name}

    def all(self) -> Iterator[User]:
        """See `UserRepository.all`."""
        with self._lock:
            return iter(sorted(self._by_name.values(), key=lambda user: user.id))

    def after(self, number: int, limit: int) -> Sequence[User]:
        """See `UserRepository.after`."""
        return [user for user in self.all() if user.id > number][:limit]

    def replace_password_hash(self, user_id: int, old: str, new: str) -> bool:
        """See `UserRepository.replace_password_hash`."""
        with self._lock:
            for user in self._by_name.values():
                if user.id == user_id and user.password_hash == old:
                    self._by_name[user.username] = replace(user, password_hash=new)
                    return True
            return False

    def password_hash_beginnings(self, length: int) -> frozenset[str]:
        """See `UserRepository.password_hash_beginnings`."""
        with self._lock:
            hashes = [user.password_hash for user in self._by_name.values()]
            return frozenset(stored[:length] for stored in hashes if stored is not None)

    def insert_with_ids(self, users: Sequence[User]) -> None:
        """See `UserRepository.insert_with_ids`."""
        with self._lock:
            known = list(self.all())
            ids = [user.id for user in (*known, *users)]
            names = [user.username for user in (*known, *users)]
            if len(set(ids)) < len(ids) or len(set(names)) < len(names):
                raise StoreError("memory: a user with this id or name exists")
            self._by_name.update((user.username, user) for user in users)
            self._newest = max(ids, default=0)

    def clear(self) -> None:
        """Delete all users."""
        self._by_name.clear()
        self._newest = 0
