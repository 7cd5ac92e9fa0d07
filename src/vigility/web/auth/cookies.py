"""The two cookies of a session: the token, hidden from scripts, and the user, for the dashboard."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

import falcon
import msgspec

from vigility.auth.tokens import LIFETIME
from vigility.core.users.model import User
from vigility.web.http.client_address import ClientAddressResolver
from vigility.web.http.requests import Request, peer_of

AUTH_COOKIE: Final = "auth_token"
USER_COOKIE: Final = "user_data"

_UNESCAPED_BY_BROWSERS: Final = "!~*'()-_."  # what encodeURIComponent leaves unchanged
_USER_FIELDS: Final = {"id", "username", "age", "gender"}
_EXPIRED: Final = "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"


class Cookies:
    """Sets and clears the cookies. Where the client used https, browsers then send them over TLS only.

    `cross_site`: the client is served from another site, which needs https everywhere.
    """

    def __init__(self, clients: ClientAddressResolver, *, cross_site: bool) -> None:
        self._clients = clients
        self._cross_site = cross_site

    def set(self, req: Request, resp: falcon.Response, user: User, token: str) -> None:
        """Start a session in the browser, for 24 hours."""
        lifetime = f"Max-Age={int(LIFETIME.total_seconds())}; Path=/"
        fields = quote(msgspec.json.encode(user_fields(user)), safe=_UNESCAPED_BY_BROWSERS)
        self._append(req, resp, f"{AUTH_COOKIE}={token}; {lifetime}; HttpOnly")
        self._append(req, resp, f"{USER_COOKIE}={fields}; {lifetime}")

    def clear(self, req: Request, resp: falcon.Response) -> None:
        """End the session in the browser. What another application keeps in a cookie of our name stays."""
        self._append(req, resp, f"{AUTH_COOKIE}=; {_EXPIRED}; HttpOnly")
        values = req.get_cookie_values(USER_COOKIE) or []
        if not values or any(map(_is_user, values)):
            self._append(req, resp, f"{USER_COOKIE}=; {_EXPIRED}")

    def _append(self, req: Request, resp: falcon.Response, cookie: str) -> None:
        resp.append_header("Set-Cookie", f"{cookie}; {self._same_site(req)}")

    def _same_site(self, req: Request) -> str:
        if self._cross_site:
            return "SameSite=None; Secure"
        peer, scheme = peer_of(req.scope.get("client")), req.scope.get("scheme", "http")
        is_https = self._clients.is_https(peer, scheme, req.get_header("X-Forwarded-Proto"))
        return "SameSite=Lax; Secure" if is_https else "SameSite=Lax"


def _is_user(cookie: str) -> bool:
    """Whether this is what `Cookies.set` puts into the cookie."""
    try:
        fields = msgspec.json.decode(unquote(cookie))
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return False
    return isinstance(fields, dict) and fields.keys() == _USER_FIELDS


def user_fields(user: User) -> dict[str, object]:
    """The JSON of a user, as the API sends it."""
    return {"id": user.id, "username": user.username, "age": user.age, "gender": user.gender.value}
