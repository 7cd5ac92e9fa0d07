"""Who a user is: registering, authenticating, importing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Protocol

from vigility.core.errors import InvalidCredentials, InvalidInput, UsernameTaken
from vigility.core.dimensions import Gender
from vigility.core.users.model import NewUser, User
from vigility.core.users.ports import UserRepository
from vigility.core.validators import valid_age, valid_gender, valid_password, valid_username
from vigility.core.times import Clock


class PasswordHasher(Protocol):
    """Turns passwords into hashes that can be kept."""

    def hash(self, password: str) -> str:
        """A salted hash of all of `password`."""
        ...

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash is of this password. None takes the same time and is never right."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedUsers:
    """What an import of users did.

    `added` were stored; `unchanged` were there already; `different` were there with another age or
    gender, and were left as they are.
    """

    added: int
    unchanged: int
    different: Sequence[str]


class Accounts:
    """The use cases round users, over any store."""

    def __init__(self, users: UserRepository, hasher: PasswordHasher, clock: Clock) -> None:
        self._users = users
        self._hasher = hasher
        self._clock = clock

    def register(self, username: object, password: object, age: object, gender: object) -> User:
        """Store a new user who can log in. Raises InvalidInput or UsernameTaken."""
        name = valid_username(username)
        secret = valid_password(password)
        checked_age, checked_gender = valid_age(age), valid_gender(gender)
        if self._users.by_names([name]):
            raise UsernameTaken(name)  # before the slow hash; the store has the last word
        return self._users.add(self._new(name, checked_age, checked_gender, self._hasher.hash(secret)))

    def add_without_password(self, username: object, age: object, gender: object) -> User:
        """Store a new user who can be tracked but cannot log in. Raises InvalidInput or UsernameTaken."""
        return self._users.add(self.checked(username, age, gender))

    def authenticate(self, username: object, password: object) -> User:
        """The user of this name and password.

        Raises InvalidCredentials, after the same time whatever the cause.
        """
        try:
            name, secret = valid_username(username), valid_password(password)
        except InvalidInput:  # no such user can exist; it must not be told apart by its speed
            name, secret = "", ""
        user = self._users.by_names([name]).get(name)
        if not self._hasher.verify(secret, user.password_hash if user else None) or user is None:
            raise InvalidCredentials
        return user

    def checked(self, username: object, age: object, gender: object) -> NewUser:
        """A user without a password, every value checked but nothing stored. Raises InvalidInput."""
        return self._new(valid_username(username), valid_age(age), valid_gender(gender), None)

    def import_users(self, users: Iterable[NewUser]) -> ImportedUsers:
        """Store the users whose names are free, in one transaction; change none that exist."""
        first_of_name: dict[str, NewUser] = {}
        for user in users:
            first_of_name.setdefault(user.username, user)
        before = self._users.by_names(first_of_name.keys())
        added = self._users.add_missing([u for u in first_of_name.values() if u.username not in before])
        different = [
            name
            for name, old in before.items()
            if (old.age, old.gender) != (first_of_name[name].age, first_of_name[name].gender)
        ]
        return ImportedUsers(
            added=len(added), unchanged=len(before) - len(different), different=tuple(different)
        )

    def hash_password(self, password: object) -> str:
        """The hash that a NewUser of this password carries. Raises InvalidInput."""
        return self._hasher.hash(valid_password(password))

    def _new(self, username: str, age: int, gender: Gender, password_hash: str | None) -> NewUser:
        created = self._clock().astimezone(UTC)
        return NewUser(
            username=username, age=age, gender=gender, created=created, password_hash=password_hash
        )
