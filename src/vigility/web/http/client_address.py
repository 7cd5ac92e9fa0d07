"""Finds the client's address, through the proxies that are trusted."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from vigility.config import Network

_IPV6_SUBSCRIBER_PREFIX: Final = 64


class ClientAddressResolver:
    """Finds the client's address. Believes `X-Forwarded-For` only from the trusted proxies."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = trusted

    def resolve(self, peer: str, forwarded_for: str | None) -> str:
        """The nearest address that does not belong to a trusted proxy.

        `peer` is the other end of the connection. The header is read from the right, because each proxy
        appends the address that it saw. Everything left of the first untrusted address was chosen by
        that client, so it is ignored.
        """
        if not self._trusted:
            return peer
        address = peer
        hops = (forwarded_for or "").split(",")
        while hops and self._is_proxy(address):
            hop = _parse(_without_port(hops.pop().strip()))
            if hop is None:
                break
            address = str(hop)
        return address

    def _is_proxy(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def rate_limit_key(address: str) -> str:
    """What is limited together: one IPv4 address, or the /64 network that one IPv6 subscriber has."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, _IPV6_SUBSCRIBER_PREFIX), strict=False))
    return address


def _without_port(hop: str) -> str:
    """Some proxies add the port: `192.0.2.1:50000`, `[2001:db8::1]:50000`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
