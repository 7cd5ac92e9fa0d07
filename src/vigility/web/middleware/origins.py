"""Which web origins may use the API with a user's cookies."""

from __future__ import annotations

from typing import Final

DEVELOPMENT_ORIGIN: Final = "http://localhost:3000"
_MAX_SHOWN: Final = 100


class AllowedOrigins:
    """The allow-list: the front end's origin, and the origin of this server, which serves the dashboard."""

    def __init__(self, frontend: str | None) -> None:
        self._frontend = frontend or DEVELOPMENT_ORIGIN

    def is_frontend(self, origin: str | None) -> bool:
        """Whether this is the front end's origin, which is served elsewhere and may read responses."""
        return origin == self._frontend

    def may_act(self, origin: str | None, host: str | None, fetch_site: str | None) -> bool:
        """Whether a request from this origin may change something with a cookie.

        `host` and `fetch_site` are the headers Host and Sec-Fetch-Site. Browsers send an Origin with every
        request that changes something. So a request without one comes from no browser, unless
        Sec-Fetch-Site says otherwise.
        """
        if origin is None:
            return fetch_site != "cross-site"
        return self.is_frontend(origin) or _host_of(origin) == (host or "").lower()

    def difference(self, origin: str | None, host: str | None, fetch_site: str | None) -> str:
        """Why `may_act` says no, in one sentence for whoever configures the server."""
        if origin is None:
            return f"the header Sec-Fetch-Site is {_shown(fetch_site)}"
        return (
            f"the header Origin is {_shown(origin)}, but Host is {_shown(host)}; a proxy in between must "
            "pass on the Host of the browser (nginx: proxy_set_header Host $http_host), and a front end with "
            "an address of its own must be named in FRONTEND_URL"
        )


def _shown(header: str | None) -> str:
    """The value of a header, cut short and with everything escaped that is not plain text."""
    return "missing" if header is None else ascii(header[:_MAX_SHOWN])


def _host_of(origin: str) -> str:
    """Host and port. Not the scheme: behind a proxy that terminates TLS the server sees a different one."""
    scheme, _, host = origin.lower().partition("://")
    return host.removesuffix(":443" if scheme == "https" else ":80") or origin
