"""Use cases around users: registering, signing in, importing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vigility.core.batch_jobs import batch_job
from vigility.core.dimensions import Gender
from vigility.core.errors import InvalidCredentials, InvalidInput, UsernameTaken
from vigility.core.times import Clock
from vigility.core.users.deprecated import DeprecatedUsers
from vigility.core.users.lookup import find_users
from vigility.core.users.model import NewUser, User
from vigility.core.users.password_check import PasswordCheck
from vigility.core.users.ports import PasswordHasher, UserRepository
from vigility.core.validators import (
    password_forms,
    valid_age,
    valid_gender,
    valid_password,
    valid_password_hash,
    valid_several,
    valid_username,
)

if TYPE_CHECKING:
    from vigility.core.sessions.known_networks import KnownNetworks
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
    """The users of an installation.

    `sessions`, `rate_limits` and `known_networks` are for a server that signs them in.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - made in one place, by the facade
        self,
        users: UserRepository,
        hasher: PasswordHasher,
        clock: Clock,
        sessions: Sessions,
        rate_limits: RateLimits,
        known_networks: KnownNetworks,
    ) -> None:
        self._users = users
        self._hasher = hasher
        self._clock = clock
        self._password_check = PasswordCheck(users, hasher, clock)
        self.sessions = sessions
        self.rate_limits = rate_limits
        self.known_networks = known_networks

    def register(self, username: object, password: object, age: object, gender: object) -> User:
        """Store a new user who can sign in. Raises InvalidInput or UsernameTaken."""
        name = valid_username(username)
        secret = valid_password(password)
        checked_age, checked_gender = valid_age(age), valid_gender(gender)
        self._require_free(name)  # before the slow hash; `add` decides when many register at once
        return self._users.add(self._new(name, checked_age, checked_gender, self._hash(secret)))

    def add_without_password(self, username: object, age: object, gender: object) -> User:
        """Store a new user who can be tracked but cannot sign in. Raises InvalidInput or UsernameTaken."""
        user = self.validated(username, age, gender)
        self._require_free(user.username)
        return self._users.add(user)

    def authenticate(self, username: object, password: object) -> User:
        """The user with this name and password.

        Raises InvalidCredentials if there is none. It never says which was wrong, and takes the same time
        whatever was.
        """
        typed = username.strip() if isinstance(username, str) else ""  # phones add a space behind a word
        user = find_users(self._users, [typed]).get(typed)
        # Something is verified in any case: the time taken must not reveal that no such user can exist.
        verified = self._password_check.verify(user, password_forms(password) or ("",))
        if verified is None:
            raise InvalidCredentials
        return verified

    def all(self) -> list[User]:
        """Every user, in the order in which they were added."""
        return list(self._users.all())

    def get(self, username: str) -> User | None:
        """The user of this name, or None. Raises InvalidInput if no user can have this name."""
        for user in find_users(self._users, [username]).values():
            return user
        valid_username(username)
        return None

    def with_id(self, user_id: int) -> User | None:
        """The user with this id, or None."""
        found = next(iter(self._users.after(user_id - 1, 1)), None)
        return found if found is not None and found.id == user_id else None

    def by_names(self, usernames: Collection[str]) -> dict[str, User]:
        """The users of these names, by name. Names without a user are left out."""
        return find_users(self._users, valid_several("usernames", usernames))

    def validated(self, username: object, age: object, gender: object) -> NewUser:
        """A user without a password, validated but not stored. Raises InvalidInput."""
        return self._new(valid_username(username), valid_age(age), valid_gender(gender), None)

    @batch_job()
    def import_many(self, users: Iterable[NewUser]) -> ImportedUsers:
        """Store the users whose names are free, in one transaction. Change none that exists.

        Raises InvalidInput, and stores nothing, if a value of a user breaks a rule.
        """
        first_of_name: dict[str, NewUser] = {}
        for given in users:
            user = _valid_user(given)
            first_of_name.setdefault(user.username, user)
        before = find_users(self._users, first_of_name.keys())
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
        return self._hash(valid_password(password))

    def _hash(self, password: str) -> str:
        """Raises InvalidInput if the hasher makes what not every database can store."""
        return valid_password_hash(self._hasher.hash(password))

    def _require_free(self, name: str) -> None:
        """Raise UsernameTaken if a user has this name, in whichever form of Unicode it is stored."""
        if find_users(self._users, [name]):
            raise UsernameTaken(name)

    def _new(self, username: str, age: int, gender: Gender, password_hash: str | None) -> NewUser:
        created = self._clock().astimezone(UTC)
        return NewUser(
            username=username, age=age, gender=gender, created=created, password_hash=password_hash
        )


def _valid_user(given: object) -> NewUser:
    """The user with each value in its canonical form: whoever makes a NewUser may not know the rules."""
    if not isinstance(given, NewUser):
        raise InvalidInput(
            "user", f"must be a NewUser, as users.validated(…) makes, not a {type(given).__name__}"
        )
    if not isinstance(given.created, datetime) or given.created.utcoffset() is None:
        raise InvalidInput("created", f"must be a time with a zone, not {given.created!r:.40}")
    if given.password_hash is not None:
        valid_password_hash(given.password_hash)
    name, age, gender = valid_username(given.username), valid_age(given.age), valid_gender(given.gender)
    return replace(given, username=name, age=age, gender=gender)
