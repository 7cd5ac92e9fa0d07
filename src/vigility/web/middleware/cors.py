"""CORS: the front end's origin may send requests with cookies and read the responses. No other origin may."""

from __future__ import annotations

from typing import Final

import falcon
from falcon.asgi import Response

from vigility.web.http.requests import Request
from vigility.web.middleware.origins import AllowedOrigins

_MAX_AGE_SECONDS: Final = "600"


class Cors:
    """Adds the CORS headers. `Vary: Origin` is always there, because caches must tell origins apart."""

    def __init__(self, origins: AllowedOrigins) -> None:
        self._origins = origins

    async def process_response(self, req: Request, resp: Response, _resource: object, _ok: bool) -> None:
        """Add the headers, and respond to OPTIONS with 204."""
        resp.append_header("Vary", "Origin")
        origin = req.get_header("Origin")
        if self._origins.is_frontend(origin):
            resp.set_header("Access-Control-Allow-Origin", str(origin))
            resp.set_header("Access-Control-Allow-Credentials", "true")
            resp.set_header("Access-Control-Expose-Headers", "Retry-After, X-Request-ID")
            if req.method == "OPTIONS" and req.get_header("Access-Control-Request-Method"):
                resp.set_header("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS")
                resp.set_header("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Request-ID")
                resp.set_header("Access-Control-Max-Age", _MAX_AGE_SECONDS)
        if req.method == "OPTIONS" and resp.status_code == falcon.http_status_to_code(falcon.HTTP_200):
            resp.status = falcon.HTTP_204
            resp.delete_header("Content-Length")
