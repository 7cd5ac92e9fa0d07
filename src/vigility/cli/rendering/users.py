"""Users as tables, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table

from vigility.cli.rendering.terminal import name, plain_table
from vigility.core.model import NewUser, User


def demo_table(users: Iterable[NewUser]) -> Table:
    """Who was made by `seed`."""
    table = plain_table()
    table.add_column("Username", overflow="fold")
    table.add_column("Age", justify="right")
    table.add_column("Gender")
    for user in users:
        table.add_row(name(user.username), str(user.age), user.gender.value)
    return table


def user_table(users: Sequence[User]) -> Table:
    """Every user, with the day of creation (UTC) and whether there is a password to log in with."""
    table = plain_table()
    table.add_column("Id", justify="right")
    table.add_column("Username", overflow="fold")
    table.add_column("Age", justify="right")
    table.add_column("Gender")
    table.add_column("Created", no_wrap=True)
    table.add_column("Login")
    for user in users:
        can_log_in = "no" if user.password_hash is None else "yes"
        created = user.created.date().isoformat()
        table.add_row(
            str(user.id), name(user.username), str(user.age), user.gender.value, created, can_log_in
        )
    return table
