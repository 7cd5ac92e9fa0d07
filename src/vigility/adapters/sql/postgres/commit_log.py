"""Finding out whether a commit succeeded when the server's response to it was lost.

PostgreSQL alone does not tell. So every transaction that writes records in a table which connection it is
from and which of that connection's transactions it is: one row for each connection, written last. If the
connection breaks before the server has responded to COMMIT, a new connection reads from that row whether the
transaction was committed. The server's own `pg_xact_status` is not enough: after a crash the server can give
the number of a lost transaction to another one.
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
"""The key under which a connection of the pool notes its `Writer`."""

TIMEOUT_SECONDS: Final = 15.0
"""How long to keep asking what became of a commit: longer than the server lets a session idle."""

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
# Rows of connections that ended. Skips rows that another process is deleting.
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
        """A writer with a name of its own."""
        return cls(uuid.uuid4().hex)


def mark(connection: Connection) -> Writer:
    """Record in the transaction which one it is. Call it last, so that the row is locked only briefly.

    The server has to respond to it before COMMIT is sent. Then anyone who asks about this transaction finds
    the row locked until the transaction has ended. (Sending both in one message would save a round trip. But
    the tests found a transaction committed after it had been reported as not committed.)
    """
    writer: Writer = connection.info[WRITER]
    writer.number += 1
    if writer.number == 1:
        connection.exec_driver_sql(_FORGET)
    connection.exec_driver_sql(_MARK, (writer.name, writer.number))
    return writer


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """Finds out whether a transaction was committed, on new connections."""

    connect: Callable[[], psycopg.Connection[Any]]
    name: str

    def is_committed(self, writer: Writer) -> bool:
        """Whether the last transaction that was marked is committed. It has ended once this returns.

        Raises OutcomeUnknown if the server does not respond in time.
        """
        give_up = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                return self._ask(writer) == writer.number
            except (
                psycopg.Error,
                StoreError,
                OSError,
            ) as error:  # any error: it says nothing about the commit
                if time.monotonic() > give_up:
                    raise OutcomeUnknown(f"{self.name}: {' '.join(str(error).split())}") from error
            time.sleep(_PAUSE_SECONDS)

    def _ask(self, writer: Writer) -> int:
        with self.connect() as connection:
            row = connection.execute(_ASK, (writer.name,)).fetchone()
        assert row is not None  # noqa: S101 - INSERT … RETURNING
        return int(row[0])
