"""What the core asks of whatever stores users and hashes passwords."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol, runtime_checkable

from vigility.core.users.model import NewUser, User


class PasswordHasher(Protocol):
    """Turns passwords into hashes that can be stored."""

    def hash(self, password: str) -> str:
        """A salted hash of all of `password`, of at most 60 characters."""
        ...

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash is of this password. For None it takes the same time and returns False."""
        ...


@runtime_checkable
class AdjustableHasher(PasswordHasher, Protocol):
    """A hasher whose cost can be set, so that hashes of several costs can be in use."""

    @property
    def beginning_length(self) -> int:
        """How many characters at the beginning of a hash tell its cost."""
        ...

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made at a lower cost than `hash` has now."""
        ...

    def note_costs(self, beginnings: Collection[str]) -> None:
        """Take note of the costs in use. From then on a refusal by `verify` takes the time of the highest."""
        ...


class UserRepository(Protocol):
    """Stores users. Usernames are unique and compared character by character."""

    def add(self, user: NewUser) -> User:
        """Store `user`. Raises UsernameTaken if the name exists, also when many add it at once."""
        ...

    def add_missing(self, users: Sequence[NewUser]) -> list[User]:
        """Store the users whose names are free, in one transaction; return them. Change no other user."""
        ...

    def by_names(self, usernames: Collection[str]) -> dict[str, User]:
        """The users of these names, by name. Names without a user are left out."""
        ...

    def all(self) -> Iterator[User]:
        """Every user, ordered by id."""
        ...

    def after(self, number: int, limit: int) -> Sequence[User]:
        """The first `limit` users whose ids are above `number`, ordered by id."""
        ...

    def replace_password_hash(self, user_id: int, old: str, new: str) -> bool:
        """Store another hash for a user if the present one is `old`; return whether it was stored."""
        ...

    def password_hash_beginnings(self, length: int) -> frozenset[str]:
        """The first `length` characters of the stored hashes, each once."""
        ...

    def insert_with_ids(self, users: Sequence[User]) -> None:
        """Store users under the ids they already have, in one transaction. Later ids are higher.

        Raises StoreError, and stores nothing, if a name or an id is taken.
        """
        ...
