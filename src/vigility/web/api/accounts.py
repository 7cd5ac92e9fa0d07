"""`/register`, `/login`, `/logout` and `/me`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import falcon
from falcon.asgi import Response

from vigility.auth.tokens import Tokens
from vigility.core.service import Vigility
from vigility.core.times import Clock
from vigility.core.users.model import User
from vigility.web.auth.authentication import Authenticator, cookie_tokens, presented_tokens
from vigility.web.auth.cookies import Cookies, user_fields
from vigility.web.auth.rate_limits import LOGIN, REGISTER, RateLimiter
from vigility.web.http.executors import Executors
from vigility.web.http.requests import Request, json_object
from vigility.web.http.static_files import File, PageResource

_REGISTER_FIELDS: Final = ("username", "password", "age", "gender")
_LOGIN_FIELDS: Final = ("username", "password")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionIssuer:
    """What registration and sign-in share: rate limits, a slow hash, and a session at the end."""

    vigility: Vigility
    executors: Executors
    rate_limiter: RateLimiter
    tokens: Tokens
    cookies: Cookies
    clock: Clock

    async def attempt(self, action: str, req: Request, username: object, call: Callable[[], User]) -> User:
        """The user whom the call signs in or registers, within the limits.

        Whether a place in the queue is left is checked before anything is counted. Raises
        HTTPTooManyRequests, HTTPServiceUnavailable, or what the call raises.
        """
        limiter, address = self.rate_limiter, req.context.address
        attempt = await self.executors.database(limiter.check, action, username, address)
        return await self.executors.password(partial(limiter.run, attempt, call), attempt.turn)

    def issue(self, req: Request, resp: Response, user: User) -> None:
        """Start a session: respond with the user, a token and both cookies."""
        req.context.user_id = user.id
        token = self.tokens.issue(user, self.clock())
        self.cookies.set(req, resp, user, token)
        resp.media = {"user": user_fields(user), "token": token}


class RegisterResource(PageResource):
    """`POST /register`. A GET sends the dashboard's page."""

    def __init__(self, session_issuer: SessionIssuer, page: File) -> None:
        super().__init__(page)
        self._session_issuer = session_issuer

    async def on_post(self, req: Request, resp: Response) -> None:
        """Register a new user and start a session."""
        issuer = self._session_issuer
        fields = _required(await json_object(req), _REGISTER_FIELDS, "All fields are required")
        register = partial(issuer.vigility.users.register, *fields)
        user = await issuer.attempt(REGISTER, req, fields[0], register)
        issuer.issue(req, resp, user)
        resp.status = falcon.HTTP_201


class LoginResource(PageResource):
    """`POST /login`. A GET sends the dashboard's page."""

    def __init__(self, session_issuer: SessionIssuer, page: File) -> None:
        super().__init__(page)
        self._session_issuer = session_issuer

    async def on_post(self, req: Request, resp: Response) -> None:
        """Check the password and start a session."""
        issuer = self._session_issuer
        required = "Username and password are required"
        username, password = _required(await json_object(req), _LOGIN_FIELDS, required)
        authenticate = partial(issuer.vigility.users.authenticate, username, password)
        user = await issuer.attempt(LOGIN, req, username, authenticate)
        issuer.issue(req, resp, user)


class LogoutResource:
    """`POST /logout`."""

    def __init__(self, authenticator: Authenticator, cookies: Cookies) -> None:
        self._authenticator = authenticator
        self._cookies = cookies

    async def on_post(self, req: Request, resp: Response) -> None:
        """Revoke the tokens in the request, if any, and clear the cookies if they are ours."""
        await json_object(req)  # the content is ignored, but another site's form must be rejected
        ours = {token for token in presented_tokens(req) if await self._authenticator.revoke(token)}
        in_cookies = cookie_tokens(req)
        # Another application's cookie of this name stays. Where there is none, ours may have been forgotten.
        if req.context.cookie_allowed and (not in_cookies or ours.intersection(in_cookies)):
            self._cookies.clear(req, resp)
        resp.media = {"message": "Logged out successfully"}


class MeResource:
    """`GET /me`."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def on_get(self, req: Request, resp: Response) -> None:
        """Send the user who is signed in."""
        resp.media = {"user": user_fields(await self._authenticator.authenticate(req))}

    on_head = on_get


def _required(body: dict[str, Any], names: tuple[str, ...], sentence: str) -> list[Any]:
    """The values of these members. Raises HTTPBadRequest if one is missing, null or empty."""
    values = [body.get(name) for name in names]
    if any(value is None or value == "" for value in values):
        raise falcon.HTTPBadRequest(description=sentence)
    return values
