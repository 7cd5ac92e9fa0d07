"""Revoked tokens in SQL, numbered in the order of their revocation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.schema import revoked_tokens
from vigility.adapters.sql.values import Shape
from vigility.core.sessions.ports import RevokedPage
from vigility.core.sessions.retention import MARGIN, MIN_KEPT, Witnessed, kept_until, witness

_COLUMNS: Final = revoked_tokens.c
_NEWEST: Final = (
    select(_COLUMNS.number, _COLUMNS.passed, _COLUMNS.clock)
    .where(_COLUMNS.number.is_not(None))
    .order_by(_COLUMNS.number.desc())
    .limit(1)
)
_AFTER: Final = (
    select(_COLUMNS.token_id, _COLUMNS.number, _COLUMNS.kept_until)
    .where(_COLUMNS.number > bindparam("position"))
    .order_by(_COLUMNS.number)
    .limit(bindparam("most"))
)
# What an instance with an older version of vigility wrote, until the next revocation numbers it.
_UNNUMBERED: Final = select(_COLUMNS.token_id, _COLUMNS.expires).where(_COLUMNS.number.is_(None))
_NEWEST_SHAPE: Final = Shape.of(_COLUMNS.number, _COLUMNS.passed, _COLUMNS.clock)
_AFTER_SHAPE: Final = Shape.of(_COLUMNS.token_id, _COLUMNS.number, _COLUMNS.kept_until)
_UNNUMBERED_SHAPE: Final = Shape.of(_COLUMNS.token_id, _COLUMNS.expires)
_NUMBER: Final = update(revoked_tokens).where(_COLUMNS.token_id == bindparam("unnumbered"))


class SqlRevokedTokens:
    """Implements `vigility.core.sessions.ports.RevokedTokenRepository`.

    Only one transaction at a time adds tokens, and the newest is never deleted. So numbers appear in
    ascending order and are used once, and a reader that goes on after the last one it saw misses none.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, token_id: str, expires: int, now: int) -> None:
        """See `RevokedTokenRepository.add`."""
        with self._database.writing() as connection:
            self._insert(connection, {token_id: expires}, now)

    def add_all(self, expiring: Mapping[str, int], now: int) -> None:
        """See `RevokedTokenRepository.add_all`."""
        if expiring:
            with self._database.writing() as connection:
                self._insert(connection, expiring, now)

    def after(self, position: int, limit: int) -> RevokedPage:
        """See `RevokedTokenRepository.after`."""
        with self._database.reading() as connection:
            newest = _newest(connection)
            if newest is None or newest.number < position:
                position = 0
            page = {"position": position, "most": limit}
            rows = _AFTER_SHAPE.check(connection.execute(_AFTER, page).all())
            unnumbered = _UNNUMBERED_SHAPE.check(connection.execute(_UNNUMBERED).all())
        passed = newest.passed if newest else 0
        return RevokedPage(
            kept_until={row.token_id: row.kept_until for row in rows}
            | {row.token_id: passed + MIN_KEPT + MARGIN for row in unnumbered},
            passed=passed,
            position=rows[-1].number if rows else position,
            is_last=len(rows) < limit,
        )

    def current(self, now: int) -> frozenset[str]:
        """See `RevokedTokenRepository.current`."""
        return frozenset(self.expiring(now))

    def expiring(self, now: int) -> Mapping[str, int]:
        """See `RevokedTokenRepository.expiring`."""
        query = select(_COLUMNS.token_id, _COLUMNS.expires).where(_COLUMNS.expires > now)
        with self._database.reading() as connection:
            return dict(_UNNUMBERED_SHAPE.check(connection.execute(query).all()))

    def _insert(self, connection: Connection, expiring: Mapping[str, int], now: int) -> None:
        """Delete those whose time is over, number those that have no number, and insert the tokens."""
        self._database.lock_tables(connection, revoked_tokens)
        newest = _newest(connection)
        witnessed = witness(Witnessed(newest.passed, newest.clock) if newest else Witnessed(), now)
        connection.execute(delete(revoked_tokens).where(_COLUMNS.kept_until <= witnessed.passed))
        first = newest.number + 1 if newest else 1
        unnumbered = _UNNUMBERED_SHAPE.check(connection.execute(_UNNUMBERED).all())
        if unnumbered:
            rows = [(row.token_id, row.expires) for row in unnumbered]
            connection.execute(_NUMBER, _rows(rows, first, witnessed, now, key="unnumbered"))
        rows = list(expiring.items())
        numbered = _rows(rows, first + len(unnumbered), witnessed, now, key="token_id")
        expiries = [row | {"expires": expires} for row, (_, expires) in zip(numbered, rows, strict=True)]
        connection.execute(self._database.insert_missing(revoked_tokens), expiries)


def _newest(connection: Connection) -> Row[Any] | None:
    return next(iter(_NEWEST_SHAPE.check(connection.execute(_NEWEST).all())), None)


def _rows(
    tokens: list[tuple[str, int]], first: int, witnessed: Witnessed, now: int, *, key: str
) -> list[dict[str, Any]]:
    return [
        {
            key: token_id,
            "number": number,
            "clock": witnessed.clock,
            "passed": witnessed.passed,
            "kept_until": kept_until(witnessed, expires, now),
        }
        for number, (token_id, expires) in enumerate(tokens, first)
    ]
