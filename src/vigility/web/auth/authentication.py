"""Who sends a request: from its token to a user who exists."""

from __future__ import annotations

from typing import Final

import falcon

from vigility.auth.tokens import Claims, Tokens, VerifiedTokens
from vigility.core.users.model import User
from vigility.core.times import Clock
from vigility.web.auth.cookies import AUTH_COOKIE
from vigility.web.http.requests import Request
from vigility.web.auth.session_cache import SessionCache

_BEARER: Final = "bearer "
_MOST_COOKIES: Final = 4  # of one name: a browser sends one for each path and domain it knows


class Authenticator:
    """Checks tokens, and whether they and their users still stand."""

    def __init__(self, tokens: Tokens, standing: SessionCache, clock: Clock) -> None:
        self._tokens = VerifiedTokens(tokens)
        self._standing = standing
        self._clock = clock

    async def user_of(self, req: Request) -> User:
        """The user whom the bearer token, or else the cookie, proves. Raises HTTPUnauthorized."""
        presented = tokens_of(req)
        for token in presented:
            if (claims := await self.verify_token(token)) and (user := await self._standing.user_of(claims)):
                req.context.user_id = user.id
                return user
        raise falcon.HTTPUnauthorized(
            description="Invalid or expired token" if presented else "No token provided",
            challenges=["Bearer"],
        )

    def cached_user(self, token: str) -> User | None:
        """The user whom the token proves, where that is known without asking the store; else None."""
        claims = self._tokens.known(token, self._clock())
        return None if claims is None else self._standing.cached_user_for(claims)

    async def verify_token(self, token: str) -> Claims | None:
        """What a token of ours says that has neither expired nor been ended."""
        claims = self._tokens.read(token, self._clock())
        return None if claims is None or await self._standing.is_revoked(claims) else claims

    async def end(self, claims: Claims) -> None:
        """Let no worker accept this token again."""
        await self._standing.end(claims)
        self._tokens.forget(claims.token_id)

    async def stop(self) -> None:
        """Ask the store no more."""
        await self._standing.stop()


def tokens_of(req: Request) -> list[str]:
    """The tokens that the request presents: the bearer's first; a cookie only where it may be used."""
    found: list[str] = []
    header: str = req.auth or ""
    if header[: len(_BEARER)].lower() == _BEARER:
        found.append(header[len(_BEARER) :].strip())
    if req.context.cookie_allowed:
        found += (req.get_cookie_values(AUTH_COOKIE) or [])[:_MOST_COOKIES]
    return [token for token in found if token]
