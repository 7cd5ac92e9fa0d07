"""Security headers: the same on every response."""

from __future__ import annotations

from typing import Final

from falcon.asgi import Response

from vigility.web.http.requests import Request

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
NO_STORE: Final = "no-store"


class SecurityHeaders:
    """Adds the security headers to each response."""

    async def process_response(self, _req: Request, resp: Response, _resource: object, _ok: bool) -> None:
        """Add the headers. Unless the response says that it may be cached, forbid it."""
        resp.set_headers(SECURITY_HEADERS)
        if resp.get_header("Cache-Control") is None:
            resp.set_header("Cache-Control", NO_STORE)
