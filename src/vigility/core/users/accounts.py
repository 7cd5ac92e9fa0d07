"""Use cases around users: registering, signing in, importing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from vigility.core.dimensions import Gender
from vigility.core.errors import InvalidCredentials, InvalidInput, UsernameTaken
from vigility.core.times import Clock
from vigility.core.users.deprecated import DeprecatedUsers
from vigility.core.users.model import NewUser, User
from vigility.core.users.ports import PasswordHasher, UserRepository
from vigility.core.validators import is_username, valid_age, valid_gender, valid_password, valid_username

if TYPE_CHECKING:
    from vigility.core.sessions.rate_limit import RateLimits
    from vigility.core.sessions.revocation import Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedUsers:
    """What an import of users did.

    `added` users were stored. `unchanged` users existed already. `different` users existed with another age
    or gender, and were left as they are.
    """

    added: int
    unchanged: int
    different: Sequence[str]


class Users(DeprecatedUsers):
    """The users of an installation. `sessions` and `rate_limits` are for a server that signs them in."""

    def __init__(
        self,
        users: UserRepository,
        hasher: PasswordHasher,
        clock: Clock,
        sessions: Sessions,
        rate_limits: RateLimits,
    ) -> None:
        self._users = users
        self._hasher = hasher
        self._clock = clock
        self.sessions = sessions
        self.rate_limits = rate_limits

    def register(self, username: object, password: object, age: object, gender: object) -> User:
        """Store a new user who can sign in. Raises InvalidInput or UsernameTaken."""
        name = valid_username(username)
        secret = valid_password(password)
        checked_age, checked_gender = valid_age(age), valid_gender(gender)
        if self._users.by_names([name]):
            raise UsernameTaken(name)  # before the slow hash; `add` decides when many register at once
        return self._users.add(self._new(name, checked_age, checked_gender, self._hasher.hash(secret)))

    def add_without_password(self, username: object, age: object, gender: object) -> User:
        """Store a new user who can be tracked but cannot sign in. Raises InvalidInput or UsernameTaken."""
        return self._users.add(self.validated(username, age, gender))

    def authenticate(self, username: object, password: object) -> User:
        """The user with this name and password.

        Raises InvalidCredentials if there is none. It never says which was wrong, and takes the same time
        whatever was.
        """
        try:
            name, secret = valid_username(username), valid_password(password)
        except InvalidInput:  # no such user can exist, and the time taken must not reveal that
            name, secret = "", ""
        user = self._users.by_names([name]).get(name)
        if not self._hasher.verify(secret, user.password_hash if user else None) or user is None:
            raise InvalidCredentials
        return user

    def all(self) -> list[User]:
        """Every user, in the order in which they were added."""
        return list(self._users.all())

    def get(self, username: str) -> User | None:
        """The user of this name, or None. Raises InvalidInput if no user can have this name."""
        return self._users.by_names([valid_username(username)]).get(username)

    def by_names(self, usernames: Collection[str]) -> dict[str, User]:
        """The users of these names, by name. Names without a user are left out."""
        return self._users.by_names([name for name in usernames if is_username(name)])

    def validated(self, username: object, age: object, gender: object) -> NewUser:
        """A user without a password, validated but not stored. Raises InvalidInput."""
        return self._new(valid_username(username), valid_age(age), valid_gender(gender), None)

    def import_many(self, users: Iterable[NewUser]) -> ImportedUsers:
        """Store the users whose names are free, in one transaction. Change none that exists."""
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
        """The hash that a NewUser with this password has. Raises InvalidInput."""
        return self._hasher.hash(valid_password(password))

    def _new(self, username: str, age: int, gender: Gender, password_hash: str | None) -> NewUser:
        created = self._clock().astimezone(UTC)
        return NewUser(
            username=username, age=age, gender=gender, created=created, password_hash=password_hash
        )
