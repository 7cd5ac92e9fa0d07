"""From which networks each account has signed in, in SQL."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, delete, insert, select

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.schema import known_networks
from vigility.adapters.sql.values import Shape

_COLUMNS: Final = known_networks.c
_SEEN: Final = Shape.of(_COLUMNS.seen)


class SqlKnownNetworks:
    """Implements `vigility.core.sessions.ports.KnownNetworkRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last_seen(self, account: str, network: str) -> int | None:
        """See `KnownNetworkRepository.last_seen`."""
        query = select(_COLUMNS.seen).where(_is(account, network))
        with self._database.reading() as connection:
            rows = _SEEN.check(connection.execute(query).all())
        return rows[0].seen if rows else None

    def record(self, account: str, network: str, now: int, most: int) -> None:
        """See `KnownNetworkRepository.record`."""
        latest = (
            select(_COLUMNS.network)
            .where(_COLUMNS.account == account)
            .order_by(_COLUMNS.seen.desc(), _COLUMNS.network)
            .limit(most - 1)
        )
        with self._database.writing() as connection:
            self._database.lock_tables(connection, known_networks)
            connection.execute(delete(known_networks).where(_is(account, network)))
            others = (_COLUMNS.account == account) & _COLUMNS.network.not_in(latest)
            connection.execute(delete(known_networks).where(others))
            connection.execute(
                insert(known_networks), [{"account": account, "network": network, "seen": now}]
            )


def _is(account: str, network: str) -> ColumnElement[bool]:
    return (_COLUMNS.account == account) & (_COLUMNS.network == network)
