"""Security headers: the same on every answer."""

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
    """Falcon's hook after each answer."""

    async def process_response(self, _req: Request, resp: Response, _resource: object, _ok: bool) -> None:
        """Add them; what is not said to be cacheable is kept by nobody."""
        resp.set_headers(SECURITY_HEADERS)
        if resp.get_header("Cache-Control") is None:
            resp.set_header("Cache-Control", NO_STORE)
