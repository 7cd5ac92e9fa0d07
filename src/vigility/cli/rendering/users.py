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
    """Yield a heading, then a line per user, with the day of creation (UTC) and whether they can sign in.

    This is not a table of Rich, which takes half a second per thousand rows. The name comes last, so its
    width does not matter.
    """
    wide = max(len("Id"), len(str(users[-1].id)))
    yield f"{'Id':>{wide}}   Age   Gender   Created      Sign-in   Username"
    for user in users:
        sign_in = "no" if user.password_hash is None else "yes"
        columns = (
            f"{user.id:>{wide}}",
            f"{user.age:>3}",
            f"{user.gender.value:<6}",
            f"{user.created.date()}",
            f"{sign_in:<7}",
            user.username,
        )
        yield "   ".join(columns)
