"""What the head of a request must say, beside what the parser checks: RFC 9112, 3, 6.1 and 9.3.

And the response to what cannot be a request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

Headers = list[tuple[bytes, bytes]]

_AUTHORITY: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_ABOUT_FRAMING: Final = frozenset(
    {b"connection", b"content-length", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


class BadRequest(ValueError):
    """Raised while a head is parsed: the sentence says what is wrong with it."""


class HeadCheck:
    """Checks the heads that arrive over one connection."""

    def __init__(self) -> None:
        self._last_host: bytes | None = None

    def check(self, version: str, method: bytes, target: bytes, headers: Headers) -> bool:
        """Whether the body comes in chunks. Raises BadRequest.

        An absolute target (`GET http://usage.example/health`) replaces the Host header: RFC 9112, 3.2.2.
        """
        if version not in {"1.0", "1.1"}:
            raise BadRequest("The version of HTTP must be 1.0 or 1.1")
        if method == b"CONNECT":
            raise BadRequest("CONNECT is not possible here: this server is not a proxy")
        names = [name for name, _ in headers]
        self._check_host(version, names, headers)
        if not target.startswith(b"/") and (found := _AUTHORITY.match(target)):
            headers[:] = [header for header in headers if header[0] != b"host"]
            headers.append((b"host", _valid_host(found[1])))
        is_in_chunks = b"transfer-encoding" in names
        if is_in_chunks:
            _check_transfer_encoding(version, headers)
        return is_in_chunks

    def _check_host(self, version: str, names: Sequence[bytes], headers: Headers) -> None:
        count = names.count(b"host")
        # With two of them, a proxy may have used the other one.
        if count > 1 or (count == 0 and version == "1.1"):
            raise BadRequest("A request must have exactly one Host header (with HTTP/1.0, at most one)")
        if count and (host := headers[names.index(b"host")][1]) != self._last_host:
            self._last_host = _valid_host(host)


def with_path(target: bytes) -> bytes:
    """An absolute target with its path, which may be missing in front of a query or at the end."""
    found = _AUTHORITY.match(target)
    if found is None or target[found.end() : found.end() + 1] == b"/":
        return target
    return target[: found.end()] + b"/" + target[found.end() :]


def check_trailer(name: bytes) -> None:
    """Raise BadRequest if the parser would act by this trailer, which nobody may send (RFC 9110, 6.5.1)."""
    if name.lower() in _ABOUT_FRAMING:
        raise BadRequest("A trailer must not say anything about the connection or the length of the body")


def asks_for_keep_alive(headers: Headers) -> bool:
    """Whether a request of HTTP/1.0 asks that the connection stays open."""
    lines = b",".join(value for name, value in headers if name == b"connection")
    options = {option.strip().lower() for option in lines.split(b",")}
    return b"keep-alive" in options and b"close" not in options


def rejection(sentence: str) -> bytes:
    """The rest of a response, behind its status, that refuses what cannot be a request. The last one."""
    body = b'{"error":"%s"}' % sentence.encode("ascii")
    head = b"content-type: application/json\r\nvary: Origin\r\nconnection: close\r\n"
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


def _valid_host(host: bytes) -> bytes:
    if not _HOST.fullmatch(host):
        raise BadRequest("The Host header must be the name or the address of a host, with or without a port")
    return host


def _check_transfer_encoding(version: str, headers: Headers) -> None:
    if version == "1.0":  # whoever passed it on may have read the body in another way
        raise BadRequest("Transfer-Encoding is not possible with HTTP/1.0: send a Content-Length")
    values = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
    if values != [b"chunked"]:
        raise BadRequest("Transfer-Encoding must be chunked and nothing else")
