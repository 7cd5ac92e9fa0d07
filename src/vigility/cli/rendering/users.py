"""Users in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.table import Table

from vigility.cli.rendering.terminal import name, plain_table
from vigility.core.users.model import NewUser, User


def demo_table(users: Iterable[NewUser]) -> Table:
    """Who was made by `seed`."""
    table = plain_table()
    table.add_column("Username", overflow="fold")
    table.add_column("Age", justify="right")
    table.add_column("Gender")
    for user in users:
        table.add_row(name(user.username), str(user.age), user.gender.value)
    return table


def user_lines(users: Sequence[User]) -> Iterator[str]:
    """Every user on a line, under headings: with the day of creation (UTC) and whether they can log in.

    Not a table of rich, which takes half a second a thousand rows; with the name last, nothing has to be
    measured or broken.
    """
    wide = max(len("Id"), len(str(users[-1].id)))
    yield f"{'Id':>{wide}}   Age   Gender   Created      Login   Username"
    for user in users:
        login = "no" if user.password_hash is None else "yes"
        fixed = (
            f"{user.id:>{wide}}   {user.age:>3}   {user.gender.value:<6}   {user.created.date()}   {login:<5}"
        )
        yield f"{fixed}   {user.username}"
