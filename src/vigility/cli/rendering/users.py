"""Users in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.table import Table

from vigility.cli.rendering.terminal import name, plain_table
from vigility.core.users.model import NewUser, User


def demo_table(users: Iterable[NewUser]) -> Table:
    """Return a table of the users that `seed` made."""
    table = plain_table()
    table.add_column("Username", overflow="fold")
    table.add_column("Age", justify="right")
    table.add_column("Gender")
    for user in users:
        table.add_row(name(user.username), str(user.age), user.gender.value)
    return table


def user_lines(users: Sequence[User]) -> Iterator[str]:
    """Yield a heading, then a line for each user, with the day of creation (UTC).

    This is not a table of Rich, which takes half a second per thousand rows. The name comes last, so its
    width does not matter.
    """
    wide = max(len("Id"), len(str(users[-1].id)))
    yield f"{'Id':>{wide}}   Age   Gender   Created      Login   Username"
    for user in users:
        login = "no" if user.password_hash is None else "yes"
        fixed = (
            f"{user.id:>{wide}}   {user.age:>3}   {user.gender.value:<6}   {user.created.date()}   {login:<5}"
        )
        yield f"{fixed}   {user.username}"
