"""`/register`, `/login`, `/logout` and `/me`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import falcon
from falcon.asgi import Response

from vigility.auth.tokens import Tokens
from vigility.core.users.model import User
from vigility.core.service import Vigility
from vigility.core.times import Clock
from vigility.web.auth.rate_limits import Limits
from vigility.web.auth.cookies import Cookies, user_fields
from vigility.web.auth.authentication import Authenticator, tokens_of
from vigility.web.http.static_files import File, PageResource
from vigility.web.http.requests import Request, json_object
from vigility.web.http.executors import Executors

_REGISTER_FIELDS: Final = ("username", "password", "age", "gender")
_LOGIN_FIELDS: Final = ("username", "password")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionIssuer:
    """What registering and logging in have in common: limits, a slow hash, and a session at the end."""

    vigility: Vigility
    threads: Executors
    limits: Limits
    tokens: Tokens
    cookies: Cookies
    clock: Clock

    async def limited(self, action: str, req: Request, username: object) -> None:
        """Count an attempt. Raises HTTPTooManyRequests."""
        await self.threads.store(self.limits.take, action, str(username), req.context.address)

    def begin(self, resp: Response, user: User) -> None:
        """Answer with the user, a token and both cookies."""
        token = self.tokens.issue(user, self.clock())
        self.cookies.set(resp, user, token)
        resp.media = {"user": user_fields(user), "token": token}


class RegisterResource(PageResource):
    """`POST /register`; a GET shows the page."""

    def __init__(self, sign_in: SessionIssuer, page: File) -> None:
        super().__init__(page)
        self._sign_in = sign_in

    async def on_post(self, req: Request, resp: Response) -> None:
        """Store a new user and begin a session."""
        fields = _required(await json_object(req), _REGISTER_FIELDS, "All fields are required")
        await self._sign_in.limited("register", req, fields[0])
        user = await self._sign_in.threads.password(self._sign_in.vigility.register, *fields)
        req.context.user_id = user.id
        self._sign_in.begin(resp, user)
        resp.status = falcon.HTTP_201


class LoginResource(PageResource):
    """`POST /login`; a GET shows the page."""

    def __init__(self, sign_in: SessionIssuer, page: File) -> None:
        super().__init__(page)
        self._sign_in = sign_in

    async def on_post(self, req: Request, resp: Response) -> None:
        """Begin a session."""
        required = "Username and password are required"
        username, password = _required(await json_object(req), _LOGIN_FIELDS, required)
        await self._sign_in.limited("login", req, username)
        user = await self._sign_in.threads.password(self._sign_in.vigility.authenticate, username, password)
        req.context.user_id = user.id
        self._sign_in.begin(resp, user)


class LogoutResource:
    """`POST /logout`."""

    def __init__(self, identity: Authenticator, cookies: Cookies) -> None:
        self._identity = identity
        self._cookies = cookies

    async def on_post(self, req: Request, resp: Response) -> None:
        """End the sessions of the tokens that came along, if any, and clear the cookies that may be used."""
        await json_object(req)  # what it holds matters to nobody, but a form of another site may not come
        for token in tokens_of(req):
            if claims := await self._identity.verify_token(token):
                await self._identity.end(claims)
        if req.context.cookie_allowed:
            self._cookies.clear(resp)
        resp.media = {"message": "Logged out successfully"}


class MeResource:
    """`GET /me`."""

    def __init__(self, identity: Authenticator) -> None:
        self._identity = identity

    async def on_get(self, req: Request, resp: Response) -> None:
        """Who is logged in."""
        resp.media = {"user": user_fields(await self._identity.user_of(req))}

    on_head = on_get


def _required(body: dict[str, Any], names: tuple[str, ...], sentence: str) -> list[Any]:
    """The values of these members. Raises HTTPBadRequest where one is missing, null or empty."""
    values = [body.get(name) for name in names]
    if any(value is None or value == "" for value in values):
        raise falcon.HTTPBadRequest(description=sentence)
    return values
