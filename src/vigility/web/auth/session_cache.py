"""Which tokens and users still stand: read from the store every moment, not for every request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from datetime import timedelta
from time import monotonic
from typing import Final

from vigility.auth.tokens import Claims
from vigility.core.errors import StoreError
from vigility.core.users.model import User
from vigility.core.service import Vigility
from vigility.web.http.executors import Executors

logger: Final = logging.getLogger("vigility.web")

# A log-out or a deleted user must be known to every worker within 5 s; reading takes part of that.
FRESH_SECONDS: Final = 2.0
# While requests come in, all is read again when it is half as old: none of them has to wait for it.
_RENEWED_AFTER: Final = FRESH_SECONDS / 2
_MOST_USERS: Final = 10_000
# By so much the clock of the instance that stored a user may be ahead of the one that issued the token.
_CLOCKS_DIFFER: Final = timedelta(minutes=1)


class SessionCache:
    """The ended tokens and the users who sent requests lately. No request goes by anything older."""

    def __init__(self, vigility: Vigility, threads: Executors) -> None:
        self._vigility = vigility
        self._threads = threads
        self._ended: frozenset[str] = frozenset()
        self._users: dict[str, User | None] = {}
        self._seen: set[str] = set()  # since the last reading: whoever was not is forgotten by the next
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    def cached_user_for(self, claims: Claims) -> User | None:
        """The user of a session that stands for all that was read a moment ago; else None."""
        age = monotonic() - self._read_at
        if age >= _RENEWED_AFTER:
            self._renew()
        if age >= FRESH_SECONDS or claims.token_id in self._ended:
            return None
        self._seen.add(claims.username)
        return _if_meant(self._users.get(claims.username), claims)

    async def user_of(self, claims: Claims) -> User | None:
        """The user whom the claims mean; None where there is none any more. Raises StoreError."""
        await self._be_fresh()
        name = claims.username
        self._seen.add(name)
        users = self._users  # where all is read meanwhile, what is found here may be older than that
        if name not in users:
            user = (await self._threads.store(self._look_up, [name])).get(name)
            if len(users) >= _MOST_USERS:
                users.clear()
            users[name] = user
        return _if_meant(users[name], claims)

    async def is_revoked(self, claims: Claims) -> bool:
        """Whether the session was ended, on this worker or on another. Raises StoreError."""
        await self._be_fresh()
        return claims.token_id in self._ended

    async def end(self, claims: Claims) -> None:
        """End a session; this worker knows at once. Raises StoreError."""
        async with self._reading:  # what is read meanwhile would lack it
            await self._threads.store(self._vigility.sessions.end, claims.token_id, claims.expires)
            self._ended |= {claims.token_id}

    async def stop(self) -> None:
        """Read no more: the store is going to be closed."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])

    async def _be_fresh(self) -> None:
        if monotonic() - self._read_at >= FRESH_SECONDS:
            async with self._reading:  # one reads, the others wait for it
                if monotonic() - self._read_at >= FRESH_SECONDS:
                    await self._read()

    def _renew(self) -> None:
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.get_running_loop().create_task(self._renewed())

    async def _renewed(self) -> None:
        async with self._reading:
            try:
                await self._read()
            except StoreError:  # whoever has to wait for the next reading is told
                pass
            except Exception:
                logger.exception("the ended tokens and users could not be read")

    async def _read(self) -> None:
        began = monotonic()
        names, self._seen = self._seen, set()
        self._ended = await self._threads.store(self._vigility.sessions.ended)
        self._users = await self._threads.store(self._look_up, names)
        self._read_at = began

    def _look_up(self, names: Collection[str]) -> dict[str, User | None]:
        found = self._vigility.users_named(names)
        return {name: found.get(name) for name in names}


def _if_meant(user: User | None, claims: Claims) -> User | None:
    """The user, unless the claims mean an earlier one of this name: after a wipe, perhaps of the same id."""
    if user is None or user.id != claims.user_id or user.created - claims.issued > _CLOCKS_DIFFER:
        return None
    return user
