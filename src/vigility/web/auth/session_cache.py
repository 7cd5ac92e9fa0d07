"""Caches revoked tokens and recent users, so that not every request has to ask the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from datetime import timedelta
from time import monotonic
from typing import Final

from vigility.auth.tokens import Claims
from vigility.core.errors import StoreError
from vigility.core.service import Vigility
from vigility.core.users.model import User
from vigility.web.auth.revoked_tokens import RevokedTokens
from vigility.web.http.executors import Executors

logger: Final = logging.getLogger("vigility.web")

# Every worker must know of a log-out or a deleted user within 5 s. Reading takes part of that.
FRESH_SECONDS: Final = 2.0
# While requests come in, the cache is reloaded at half that age, so that no request has to wait for it.
_REFRESH_AFTER: Final = FRESH_SECONDS / 2
_MAX_USERS: Final = 10_000
# How far the clock of the instance that stored a user may be ahead of the one that issued the token.
_MAX_CLOCK_SKEW: Final = timedelta(minutes=1)


class SessionCache:
    """Caches revoked tokens and recent users for up to two seconds. No decision uses older data."""

    def __init__(self, vigility: Vigility, executors: Executors) -> None:
        self._vigility = vigility
        self._executors = executors
        self._revoked = RevokedTokens(vigility)
        self._users: dict[str, User | None] = {}
        self._seen: set[str] = set()  # users since the last reload; the next one drops all others
        self._loaded_at = float("-inf")
        self._loading = asyncio.Lock()
        self._refresh: asyncio.Task[None] | None = None

    def cached_user(self, claims: Claims) -> User | None:
        """The user of a valid session if the cache can tell, otherwise None.

        Starts a reload in the background when one is due.
        """
        age = monotonic() - self._loaded_at
        if age >= _REFRESH_AFTER:
            self._start_refresh()
        if age >= FRESH_SECONDS or claims.token_id in self._revoked:
            return None
        self._seen.add(claims.username)
        return _if_same_user(self._users.get(claims.username), claims)

    async def user_for(self, claims: Claims) -> User | None:
        """The user that the claims name, or None if there is none any more. Raises StoreError."""
        await self._ensure_fresh()
        name = claims.username
        self._seen.add(name)
        users = self._users  # a reload during the lookup replaces it, and must not get this older result
        if name not in users:
            user = (await self._executors.database(self._look_up, [name])).get(name)
            if len(users) >= _MAX_USERS:
                users.clear()
            users[name] = user
        return _if_same_user(users[name], claims)

    async def is_revoked(self, claims: Claims) -> bool:
        """Whether the token was revoked, on this worker or on another. Raises StoreError."""
        await self._ensure_fresh()
        return claims.token_id in self._revoked

    async def revoke(self, claims: Claims) -> None:
        """Revoke a token. This worker refuses it at once. Raises StoreError."""
        async with self._loading:  # a reload that runs meanwhile would not have it
            sessions = self._vigility.users.sessions
            await self._executors.database(sessions.revoke, claims.token_id, claims.expires)
            self._revoked.add(claims.token_id)

    async def stop(self) -> None:
        """Stop reloading, before the database is closed."""
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.wait([self._refresh])

    async def _ensure_fresh(self) -> None:
        if monotonic() - self._loaded_at >= FRESH_SECONDS:
            async with self._loading:  # one request reloads, the others wait for it
                if monotonic() - self._loaded_at >= FRESH_SECONDS:
                    await self._load()

    def _start_refresh(self) -> None:
        if self._refresh is None or self._refresh.done():
            self._refresh = asyncio.get_running_loop().create_task(self._run_refresh())

    async def _run_refresh(self) -> None:
        async with self._loading:
            try:
                await self._load()
            except StoreError:  # the next request that has to reload reports it
                pass
            except Exception:
                logger.exception("cannot reload revoked tokens and users")

    async def _load(self) -> None:
        began = monotonic()
        names, self._seen = self._seen, set()
        await self._executors.database(self._revoked.update)
        self._users = await self._executors.database(self._look_up, names)
        self._loaded_at = began

    def _look_up(self, names: Collection[str]) -> dict[str, User | None]:
        found = self._vigility.users.by_names(names)
        return {name: found.get(name) for name in names}


def _if_same_user(user: User | None, claims: Claims) -> User | None:
    """The user, unless the claims mean an earlier user of this name. After a wipe even the ids can agree."""
    if user is None or user.id != claims.user_id:
        return None
    if claims.registered is not None:  # no clock that was wrong in between matters
        return user if user.created == claims.registered else None
    return user if user.created - claims.issued <= _MAX_CLOCK_SKEW else None
