"""Users, before and after they are stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from vigility.core.dimensions import Gender


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user about to be stored; every value has been validated.

    A user without a `password_hash` can be tracked but cannot sign in.
    """

    username: str
    age: int
    gender: Gender
    created: datetime
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class User(NewUser):
    """A registered user. `age` is in whole years, `created` in UTC."""

    id: int
