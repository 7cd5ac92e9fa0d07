"""Old names of the use cases around users. They work, with a DeprecationWarning."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from vigility.core.deprecated import warn_deprecated
from vigility.core.users.model import NewUser, User


class _Users(Protocol):
    def all(self) -> list[User]: ...

    def validated(self, username: object, age: object, gender: object) -> NewUser: ...

    def import_many(self, users: Iterable[NewUser]) -> Any: ...  # noqa: ANN401 - ImportedUsers


class DeprecatedUsers:
    """The old names of `Users`."""

    def __call__(self: _Users) -> list[User]:
        """Deprecated: `v.users()` is now `v.users.all()`."""
        warn_deprecated("Vigility.users()", "Vigility.users.all()")
        return self.all()

    def checked(self: _Users, username: object, age: object, gender: object) -> NewUser:
        """Deprecated: see `Users.validated`."""
        warn_deprecated("Users.checked()", "Users.validated()")
        return self.validated(username, age, gender)

    def import_users(self: _Users, users: Iterable[NewUser]) -> Any:  # noqa: ANN401 - ImportedUsers
        """Deprecated: see `Users.import_many`."""
        warn_deprecated("Users.import_users()", "Users.import_many()")
        return self.import_many(users)
