"""Protection from cross-site request forgery: another site must not act with a user's cookie."""

from __future__ import annotations

import logging
from typing import Final

import falcon
from falcon.asgi import Response

from vigility.web.auth.cookies import AUTH_COOKIE
from vigility.web.http.requests import Request
from vigility.web.middleware.origins import AllowedOrigins

logger: Final = logging.getLogger("vigility.web")

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class CsrfMiddleware:
    """Decides before each request whether its cookie may be used."""

    def __init__(self, origins: AllowedOrigins) -> None:
        self._origins = origins

    async def process_request(self, req: Request, _resp: Response) -> None:
        """Set `context.cookie_allowed`. Raises HTTPForbidden if the cookie is all that identifies the user.

        The origin is checked even if the request brings no cookie: a browser may keep the cookie back and
        still obey a response that sets one.
        """
        req.context.cookie_allowed = True
        if req.method in _SAFE_METHODS:
            return
        get = req.get_header
        headers = get("Origin"), get("Host"), get("Sec-Fetch-Site")
        if not self._origins.may_act(*headers):
            req.context.cookie_allowed = False
            if req.auth is None and req.get_cookie_values(AUTH_COOKIE):
                reason = f"This origin may not act with a cookie: {self._origins.difference(*headers)}"
                logger.warning("request %s refused: %s", req.context.request_id, reason)
                raise falcon.HTTPForbidden(description=reason)
