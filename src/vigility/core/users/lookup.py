"""Looking users up by name, in whichever form of Unicode the name came and was stored."""

from __future__ import annotations

from collections.abc import Iterable

from vigility.core.users.model import User
from vigility.core.users.ports import UserRepository
from vigility.core.validators import username_forms


def find_users(users: UserRepository, names: Iterable[object]) -> dict[str, User]:
    """The users of these names, by the name as it is given. Names without a user are left out.

    New names are stored composed (NFC); older ones were stored as they came. So a name is looked up as it is,
    then composed, then decomposed (NFD), and the first user who is found counts.
    """
    forms = {name: username_forms(name) for name in names if isinstance(name, str)}
    found = users.by_names({form for each in forms.values() for form in each})
    first = {name: next(filter(found.__contains__, each), None) for name, each in forms.items()}
    return {name: found[form] for name, form in first.items() if form is not None}
