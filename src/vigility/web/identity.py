"""Who sends a request: from its token to a user who exists."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Final

import falcon

from vigility.auth.tokens import Claims, Tokens, VerifiedTokens
from vigility.core.errors import InvalidInput
from vigility.core.model import User
from vigility.core.service import Vigility
from vigility.core.times import Clock
from vigility.web.cookies import AUTH_COOKIE
from vigility.web.requests import Request
from vigility.web.threads import Threads

# A log-out or a deleted user must be known to every worker within 5 s; reading takes part of that.
FRESH_SECONDS: Final = 2.0
_MOST_USERS: Final = 10_000
_BEARER: Final = "bearer "
_MOST_COOKIES: Final = 4  # of one name: a browser sends one for each path and domain it knows


class Identity:
    """Checks tokens; keeps who exists and which tokens were ended for a moment, not for good."""

    def __init__(self, vigility: Vigility, tokens: Tokens, threads: Threads, clock: Clock) -> None:
        self._tokens = VerifiedTokens(tokens)
        self._clock = clock
        self._ended = EndedTokens(vigility, threads)
        self._users = KnownUsers(vigility, threads)

    async def user_of(self, req: Request) -> User:
        """The user whom the bearer token, or else the cookie, proves. Raises HTTPUnauthorized."""
        presented = tokens_of(req)
        for token in presented:
            if (claims := await self.open_session(token)) and (user := await self._user(claims)):
                req.context.user_id = user.id
                return user
        raise falcon.HTTPUnauthorized(
            description="Invalid or expired token" if presented else "No token provided",
            challenges=["Bearer"],
        )

    async def open_session(self, token: str) -> Claims | None:
        """What a token of ours says that has neither expired nor been ended."""
        claims = self._tokens.read(token, self._clock())
        return None if claims is None or await self._ended.has(claims.token_id) else claims

    async def end(self, claims: Claims) -> None:
        """Let no worker accept this token again."""
        await self._ended.add(claims)
        self._tokens.forget(claims.token_id)

    async def _user(self, claims: Claims) -> User | None:
        user = await self._users.named(claims.username)
        return user if user is not None and user.id == claims.user_id else None


class EndedTokens:
    """The ended tokens, read again when they are older than a moment: no request goes by an older list."""

    def __init__(self, vigility: Vigility, threads: Threads) -> None:
        self._sessions = vigility.sessions
        self._threads = threads
        self._known: frozenset[str] = frozenset()
        self._fresh_until = float("-inf")
        self._reading = asyncio.Lock()

    async def has(self, token_id: str) -> bool:
        """Whether the token was ended, on this worker or on another. Raises StoreError."""
        if monotonic() >= self._fresh_until:
            await self._read()
        return token_id in self._known

    async def add(self, claims: Claims) -> None:
        """End a token; this worker knows at once. Raises StoreError."""
        async with self._reading:  # a list read meanwhile would lack it
            await self._threads.store(self._sessions.end, claims.token_id, claims.expires)
            self._known |= {claims.token_id}

    async def _read(self) -> None:
        async with self._reading:  # one reads, the others wait for it
            if monotonic() >= self._fresh_until:
                began = monotonic()
                known = await self._threads.store(self._sessions.ended)
                self._known, self._fresh_until = known, began + FRESH_SECONDS


class KnownUsers:
    """Users by name, each read again when older than a moment."""

    def __init__(self, vigility: Vigility, threads: Threads) -> None:
        self._vigility = vigility
        self._threads = threads
        self._known: dict[str, tuple[float, User | None]] = {}

    async def named(self, username: str) -> User | None:
        """The user of this name. Raises StoreError."""
        known = self._known.get(username)
        if known is not None and monotonic() < known[0]:
            return known[1]
        began = monotonic()
        try:
            user = await self._threads.store(self._vigility.user, username)
        except InvalidInput:  # signed with our secret, but no name that a user can have
            user = None
        if len(self._known) >= _MOST_USERS:
            self._known.clear()
        self._known[username] = (began + FRESH_SECONDS, user)
        return user


def tokens_of(req: Request) -> list[str]:
    """The tokens that the request presents: the bearer's first; a cookie only where it may be used."""
    found: list[str] = []
    header: str = req.auth or ""
    if header[: len(_BEARER)].lower() == _BEARER:
        found.append(header[len(_BEARER) :].strip())
    if req.context.cookie_allowed:
        found += (req.get_cookie_values(AUTH_COOKIE) or [])[:_MOST_COOKIES]
    return [token for token in found if token]
