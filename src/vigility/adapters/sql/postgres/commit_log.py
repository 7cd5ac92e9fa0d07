"""What became of a commit whose answer was lost, which PostgreSQL by itself does not tell.

Every transaction that writes says in a table who wrote and which of its transactions it is: one row for
each connection, written last. Where the connection breaks before the server has answered COMMIT, that row
tells from a new connection whether the transaction was committed. The server's own `pg_xact_status` would not
do: after a crash it can give the number of a lost transaction to another one.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

import psycopg
from sqlalchemy import Connection

from vigility.core.errors import OutcomeUnknown, StoreError

WRITER: Final = "writer"
"""Under this name a connection of the pool notes its `Writer`."""

PATIENCE_SECONDS: Final = 15.0
"""For how long it is asked again what became of a commit: longer than the server lets a session idle."""

_PAUSE_SECONDS: Final = 0.1

# Both wait for a transaction that has written the row and has not ended.
_MARK: Final = """
INSERT INTO vigility_commits (writer, number, at) VALUES (%s, %s, extract(epoch FROM now()))
ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at
"""
_ASK: Final = """
INSERT INTO vigility_commits (writer, number, at) VALUES (%s, 0, extract(epoch FROM now()))
ON CONFLICT (writer) DO UPDATE SET at = excluded.at RETURNING number
"""
# Connections that ended. Rows that another is deleting are left to it.
_FORGET: Final = """
DELETE FROM vigility_commits WHERE writer IN (
    SELECT writer FROM vigility_commits WHERE at < extract(epoch FROM now() - interval '1 day')
    FOR UPDATE SKIP LOCKED
)
"""


@dataclass(slots=True)
class Writer:
    """One connection, and the number of the transaction that it marked last."""

    name: str
    number: int = 0

    @classmethod
    def new(cls) -> Self:
        """A writer that nobody was before."""
        return cls(uuid.uuid4().hex)


def mark(connection: Connection) -> Writer:
    """Write into the transaction which one it is. Its last statement, so that the row is locked shortly.

    The server has to answer it before COMMIT is sent: who asks for this transaction's fate then finds the
    row locked until the transaction has ended. (Both in one message would save a wait. The tests found it
    committed after it had been said not to be.)
    """
    writer: Writer = connection.info[WRITER]
    writer.number += 1
    if writer.number == 1:
        connection.exec_driver_sql(_FORGET)
    connection.exec_driver_sql(_MARK, (writer.name, writer.number))
    return writer


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """Asks what became of a transaction, over connections of its own."""

    connect: Callable[[], psycopg.Connection[Any]]
    name: str

    def is_committed(self, writer: Writer) -> bool:
        """Whether the last transaction that was marked is committed; it has ended when this is known.

        Raises OutcomeUnknown where the server does not tell in time.
        """
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._asked(writer) == writer.number
            except (psycopg.Error, StoreError, OSError) as error:  # whatever it is, it tells nothing
                if time.monotonic() > give_up:
                    raise OutcomeUnknown(f"{self.name}: {' '.join(str(error).split())}") from error
            time.sleep(_PAUSE_SECONDS)

    def _asked(self, writer: Writer) -> int:
        with self.connect() as connection:
            row = connection.execute(_ASK, (writer.name,)).fetchone()
        assert row is not None  # noqa: S101 - INSERT … RETURNING
        return int(row[0])
