"""Users in SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.schema import users
from vigility.adapters.sql.values import Shape, converting
from vigility.core.dimensions import Gender
from vigility.core.errors import UsernameTaken
from vigility.core.times import from_micros, to_micros
from vigility.core.users.model import NewUser, User

# Values in one IN list: SQLite allows 32,766 in a statement.
NAMES_PER_QUERY: Final = 10_000

_SHAPE: Final = Shape.of(*users.c)
_HASHES: Final = Shape.of(users.c.password_hash)


class SqlUsers:
    """Implements `vigility.core.users.ports.UserRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._users_named = select(users).where(database.in_list(users.c.username, "names"))

    def add(self, user: NewUser) -> User:
        """See `UserRepository.add`."""
        if added := self.add_missing([user]):
            return added[0]
        raise UsernameTaken(user.username)

    def add_missing(self, new: Sequence[NewUser]) -> list[User]:
        """See `UserRepository.add_missing`."""
        with self._database.writing() as connection:
            self._database.lock_tables(connection, users)
            taken = self._named(connection, [user.username for user in new])
            free = {user.username: user for user in reversed(new) if user.username not in taken}
            if not free:
                return []
            rows = [_row(user) for user in reversed(free.values())]
            connection.execute(insert(users), rows)
            return list(self._named(connection, free.keys()).values())

    def by_names(self, usernames: Collection[str]) -> dict[str, User]:
        """See `UserRepository.by_names`."""
        if not usernames:
            return {}
        with self._database.reading() as connection:
            return self._named(connection, usernames)

    def all(self) -> Iterator[User]:
        """See `UserRepository.all`."""
        with self._database.reading() as connection:
            found = _users(connection.execute(select(users).order_by(users.c.id)).all())
        yield from found  # outside the transaction: the caller may be slow

    def after(self, number: int, limit: int) -> Sequence[User]:
        """See `UserRepository.after`."""
        query = select(users).where(users.c.id > number).order_by(users.c.id).limit(limit)
        with self._database.reading() as connection:
            return _users(connection.execute(query).all())

    def replace_password_hash(self, user_id: int, old: str, new: str) -> bool:
        """See `UserRepository.replace_password_hash`."""
        is_same = (users.c.id == user_id) & (users.c.password_hash == old)
        with self._database.writing() as connection:
            return connection.execute(update(users).where(is_same).values(password_hash=new)).rowcount == 1

    def password_hash_beginnings(self, length: int) -> frozenset[str]:
        """See `UserRepository.password_hash_beginnings`."""
        beginning = func.substr(users.c.password_hash, 1, length)
        query = select(beginning).where(users.c.password_hash.is_not(None)).distinct()
        with self._database.reading() as connection:
            return frozenset(beginning for (beginning,) in _HASHES.check(connection.execute(query).all()))

    def insert_with_ids(self, stored: Sequence[User]) -> None:
        """See `UserRepository.insert_with_ids`."""
        with self._database.writing() as connection:
            connection.execute(insert(users), [{"id": user.id, **_row(user)} for user in stored])
            self._database.advance_sequence(connection, users, max(user.id for user in stored))

    def _named(self, connection: Connection, usernames: Collection[str]) -> dict[str, User]:
        names = list(usernames)
        found: list[User] = []
        for start in range(0, len(names), NAMES_PER_QUERY):
            chosen = {"names": names[start : start + NAMES_PER_QUERY]}
            found += _users(connection.execute(self._users_named, chosen).all())
        return {user.username: user for user in sorted(found, key=lambda user: user.id)}


def _row(user: NewUser) -> dict[str, object]:
    return {
        "username": user.username,
        "password_hash": user.password_hash,
        "age": user.age,
        "gender": user.gender.value,
        "created": to_micros(user.created),
    }


def _users(rows: Sequence[Row[Any]]) -> list[User]:
    with converting(users.name):
        return list(map(_user, _SHAPE.check(rows)))


def _user(row: Row[Any]) -> User:
    return User(
        id=row.id,
        username=row.username,
        password_hash=row.password_hash,
        age=row.age,
        gender=Gender(row.gender),
        created=from_micros(row.created),
    )
