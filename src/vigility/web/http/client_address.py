"""Whose request it is, as far as addresses tell."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from vigility.config import Network

_V6_PREFIX = 64


class Addresses:
    """Finds the client's address; believes `X-Forwarded-For` from the named proxies only."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = trusted

    def client_of(self, peer: str, forwarded_for: str | None) -> str:
        """The address nearest to us that is none of our proxies'; `peer` is at the connection's other end.

        The header is read from the right: each proxy appends whom it saw, and what stands left of the
        first stranger is what that stranger chose to write.
        """
        if not self._trusted:
            return peer
        address = peer
        said = (forwarded_for or "").split(",")
        while said and self._is_proxy(address):
            hop = _parsed(_without_port(said.pop().strip()))
            if hop is None:
                break
            address = str(hop)
        return address

    def _is_proxy(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def rate_limit_key(address: str) -> str:
    """What is limited together: an IPv4 address, or the /64 that one IPv6 subscriber has to choose from."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, _V6_PREFIX), strict=False))
    return address


def _without_port(hop: str) -> str:
    """Some proxies tell the port too: `192.0.2.1:50000`, `[2001:db8::1]:50000`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
