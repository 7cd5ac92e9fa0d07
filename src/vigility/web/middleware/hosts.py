"""The host names under which this server responds: protection from DNS rebinding.

A page of another site can let its own name point to this server. For the browser that page and this server
are then one site, and nothing else here would stop the page. But the browser sends the page's name as Host.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final, Self
from urllib.parse import urlsplit

import falcon
from falcon.asgi import Response

from vigility.config import Settings, variable_of
from vigility.web.http.client_address import parse_address
from vigility.web.http.requests import Request

logger: Final = logging.getLogger("vigility.web")

ANY: Final = "*"
_SUBDOMAINS: Final = "*."
_MAX_SHOWN: Final = 100
# Values of the header that were accepted before. Only the part behind the name differs: its port.
_MAX_ACCEPTED: Final = 1_000


class AllowedHosts:
    """The allow-list. `localhost`, the loopback addresses and the address to listen on are always in it.

    So is the host of the front end. A server that listens on all addresses (0.0.0.0) does not know them, so
    it accepts any address: with rebinding, the header is always a name.
    """

    def __init__(self, allowed: Sequence[str], listening: str, frontend: str | None) -> None:
        """`allowed` are names, addresses, `*.domain` for its subdomains, or `*` for any."""
        names = [*allowed, listening, *([urlsplit(frontend).hostname or ""] if frontend else [])]
        self._allows_any = ANY in allowed
        self._names = {_name_of(name) for name in names if not name.startswith(_SUBDOMAINS)} - {""}
        self._domains = tuple(name[1:].lower() for name in names if name.startswith(_SUBDOMAINS))
        address = parse_address(listening)
        self._allows_addresses = listening == "" or (address is not None and address.is_unspecified)
        # What a look suffices for. HTTP/1.0 has no Host; the server refuses HTTP/1.1 without one.
        self.accepted: Final[set[bytes | None]] = {None}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The allow-list of these settings."""
        return cls(settings.allowed_hosts, settings.host, settings.frontend_url)

    def accepts(self, host: bytes | None) -> bool:
        """Whether a request with this Host header gets its response here."""
        if host in self.accepted:
            return True
        if host is None or not self._allows(host.decode("latin-1")):
            return False
        if len(self.accepted) >= _MAX_ACCEPTED:
            self.accepted.intersection_update({None})
        self.accepted.add(host)
        return True

    def _allows(self, host: str) -> bool:
        if self._allows_any:
            return True
        name = _name_of(host)
        if name in self._names or name == "localhost" or name.endswith((".localhost", *self._domains)):
            return True
        address = parse_address(name)
        return address is not None and (address.is_loopback or self._allows_addresses)


class HostCheck:
    """Refuses requests for another host."""

    def __init__(self, hosts: AllowedHosts) -> None:
        self._hosts = hosts

    async def process_request(self, req: Request, _resp: Response) -> None:
        """Raise HTTPError with the status 421 if the request is for another host."""
        host = req.get_header("Host")
        if self._hosts.accepts(None if host is None else host.encode("latin-1", "replace")):
            return
        shown = ascii(str(host)[:_MAX_SHOWN])
        logger.warning("request %s refused: its Host is %s", req.context.request_id, shown)
        raise falcon.HTTPError(
            falcon.HTTP_421,
            description=f"This server does not respond under the host name {shown}; "
            f"if it should, add the name to {variable_of('allowed_hosts')}",
        )


def _name_of(host: str) -> str:
    """The name or address in a Host header: without the port, the brackets and the dot of the root."""
    if host.startswith("["):
        name = host[1:].partition("]")[0]
    else:
        name = host if host.count(":") > 1 else host.partition(":")[0]
    address = parse_address(name)
    return name.lower().removesuffix(".") if address is None else str(address)
