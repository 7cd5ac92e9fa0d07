"""Finds the client's address and scheme, through the proxies that are trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from vigility.config import Network

_IPV6_SUBSCRIBER_PREFIX: Final = 64
_IPV6_SITE_PREFIX: Final = 48
# About what one provider has.
_IPV6_PROVIDER_PREFIX: Final = 32
_IPV4_PROVIDER_PREFIX: Final = 16
# What a translator makes of IPv4 clients for a server that has IPv6 only (RFC 6052). All of them are in one
# /64, so without this they would share one limit.
_TRANSLATED: Final = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class ClientNetworks:
    """What is limited together.

    Attributes:
        subscriber: one IPv4 address, or the IPv6 /64 that one subscriber has.
        site: for IPv6 also the /48 around it, all of which one attacker may have.
        provider: the IPv4 /16 or the IPv6 /32, which takes turns with others where many wait.
    """

    subscriber: str
    site: str | None
    provider: str

    @property
    def widest(self) -> str:
        """The site or, for IPv4, the address."""
        return self.site or self.subscriber


class ClientAddressResolver:
    """Finds the client's address and scheme. Believes `X-Forwarded-…` only from the trusted proxies."""

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
            hop = parse_address(_without_port(hops.pop().strip()))
            if hop is None:
                break
            address = str(hop)
        return address

    def is_https(self, peer: str, scheme: str, forwarded_proto: str | None) -> bool:
        """Whether the client used https: to the server itself, or to a trusted proxy that says so.

        Where several proxies have added to the header, the first value is that of the client's connection.
        """
        if scheme == "https":
            return True
        first = (forwarded_proto or "").partition(",")[0].strip().lower()
        return first == "https" and self._is_proxy(peer)

    def _is_proxy(self, address: str) -> bool:
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def networks_of(address: str) -> ClientNetworks:
    """The networks that an address belongs to."""
    parsed = parse_address(address)
    if parsed is None:
        return ClientNetworks(address, None, address)
    if parsed in _TRANSLATED:
        parsed = IPv4Address(parsed.packed[-4:])
    if isinstance(parsed, IPv4Address):
        return ClientNetworks(str(parsed), None, _network(parsed, _IPV4_PROVIDER_PREFIX))
    return ClientNetworks(
        _network(parsed, _IPV6_SUBSCRIBER_PREFIX),
        _network(parsed, _IPV6_SITE_PREFIX),
        _network(parsed, _IPV6_PROVIDER_PREFIX),
    )


def _network(address: IPv4Address | IPv6Address, prefix: int) -> str:
    plain = address.packed  # without the zone that a link-local address has
    return str(ip_network((plain, prefix), strict=False))


def _without_port(hop: str) -> str:
    """Some proxies add the port: `192.0.2.1:50000`, `[2001:db8::1]:50000`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def parse_address(address: str) -> IPv4Address | IPv6Address | None:
    """The address, or None if it is none. An IPv4 address that is written as IPv6 is an IPv4 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
