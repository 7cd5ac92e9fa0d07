"""Finds out who sent a request: from its token to a user who exists."""

from __future__ import annotations

from typing import Final

import falcon

from vigility.auth.tokens import Claims, TokenCache, Tokens
from vigility.core.times import Clock
from vigility.core.users.model import User
from vigility.web.auth.cookies import AUTH_COOKIE
from vigility.web.auth.session_cache import SessionCache
from vigility.web.http.requests import Request

_BEARER: Final = "bearer "
_MAX_COOKIES: Final = 4  # with one name: a browser sends one for each path and domain that it knows


class Authenticator:
    """Validates tokens and that their session and user still exist."""

    def __init__(self, tokens: Tokens, session_cache: SessionCache, clock: Clock) -> None:
        self._tokens = TokenCache(tokens)
        self._session_cache = session_cache
        self._clock = clock

    async def authenticate(self, req: Request) -> User:
        """The user of the request: of its bearer token or, if that is not valid, of its cookie.

        Raises HTTPUnauthorized or StoreError.
        """
        presented = presented_tokens(req)
        for token in presented:
            claims = await self.verify_token(token)
            if claims and (user := await self._session_cache.user_for(claims)):
                req.context.user_id = user.id
                return user
        raise falcon.HTTPUnauthorized(
            description="Invalid or expired token" if presented else "No token provided",
            challenges=["Bearer"],
        )

    def cached_user(self, token: str) -> User | None:
        """The user of a token if that is known without asking the database, otherwise None."""
        claims = self._tokens.cached(token, self._clock())
        return None if claims is None else self._session_cache.cached_user(claims)

    async def verify_token(self, token: str) -> Claims | None:
        """The claims of a token, or None if it is not ours, has expired or was revoked. Raises StoreError."""
        claims = self._tokens.verify(token, self._clock())
        return None if claims is None or await self._session_cache.is_revoked(claims) else claims

    async def revoke(self, token: str) -> bool:
        """Make every worker refuse this token; return whether it is ours. Raises StoreError.

        An expired one too: the clock that says so may be wrong.
        """
        claims = self._tokens.identify(token, self._clock())
        if claims is None:
            return False
        if not await self._session_cache.is_revoked(claims):
            await self._session_cache.revoke(claims)
            self._tokens.forget(claims.token_id)
        return True

    async def stop(self) -> None:
        """Stop asking the database."""
        await self._session_cache.stop()


def presented_tokens(req: Request) -> list[str]:
    """The tokens in the request: the bearer token first, then cookies if the request may use them."""
    found: list[str] = []
    header: str = req.auth or ""
    if header[: len(_BEARER)].lower() == _BEARER:
        found.append(header[len(_BEARER) :].strip())
    return [token for token in [*found, *cookie_tokens(req)] if token]


def cookie_tokens(req: Request) -> list[str]:
    """What the cookies named `auth_token` hold, ours or another application's, if they may be used."""
    return (req.get_cookie_values(AUTH_COOKIE) or [])[:_MAX_COOKIES] if req.context.cookie_allowed else []
