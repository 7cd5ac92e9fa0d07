"""Where the body of a request ends, and how much may come beside its content: RFC 9112, 6 and 7.

The parser is llhttp's, by httptools. This module adds what the parser leaves to its user.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import httptools

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Headers = Sequence[tuple[bytes, bytes]]

MAX_CHUNK_FRAMING_BYTES: Final = 64 * 1024
"""How much a body in chunks may have beside its content: as much as its content, and this.

Sizes, extensions, line ends and trailers all count. Chunks of one byte have five bytes of framing, so that
a body of 13,000 of them still gets through. Trailers alone may have this much.
"""


def new_parser(callbacks: object) -> httptools.HttpRequestParser:
    """A parser that ignores what follows a request with `Connection: close`, as uvicorn's does."""
    parser = httptools.HttpRequestParser(callbacks)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


class ChunkFraming:
    """Counts what a body in chunks has beside its content, from the read on that follows its head."""

    __slots__ = ("_content", "_content_now", "_counts", "_framing", "_since_content")

    def __init__(self) -> None:
        self._content = self._framing = self._since_content = self._content_now = 0
        self._counts = False

    def add_content(self, size: int) -> None:
        """Count a part of the content, which came with the present read."""
        self._content_now += size

    def is_excessive(self, received: int) -> bool:
        """Whether there is too much beside the content, now that a read of so many bytes was parsed."""
        content, self._content_now = self._content_now, 0
        self._content += content
        if not self._counts:  # this read holds the head too
            self._counts = True
            return False
        self._framing += received - content
        self._since_content = 0 if content else self._since_content + received
        most = MAX_CHUNK_FRAMING_BYTES
        return self._since_content > most or self._framing > most + self._content


def parser_behind_head(
    headers: Headers, keep_alive: bool, callbacks: HttpToolsProtocol
) -> httptools.HttpRequestParser:
    """A parser of the body that these headers announce, and of the requests after it.

    llhttp stops behind the head of a request that offers an upgrade (`Upgrade: h2c`, `websocket` or anything
    else) and takes what follows for another protocol. A server may ignore the offer (RFC 9110, 7.8), and
    this one does: it goes on with another parser, which was given a head of the same framing.
    """
    parser = new_parser(_Relay(callbacks))
    parser.feed_data(_head_for(headers, keep_alive))
    return parser


class _Relay:
    """Passes a parser's calls on, except for those about the first head."""

    def __init__(self, callbacks: HttpToolsProtocol) -> None:
        self._callbacks = callbacks
        self._is_past_head = False
        self.on_body = callbacks.on_body
        self.on_message_complete = callbacks.on_message_complete

    def on_message_begin(self) -> None:
        if self._is_past_head:
            self._callbacks.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if self._is_past_head:
            self._callbacks.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_past_head:
            self._callbacks.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._is_past_head:
            self._callbacks.on_headers_complete()
        self._is_past_head = True


def _head_for(headers: Headers, keep_alive: bool) -> bytes:
    framing = {b"content-length", b"transfer-encoding"}
    lines = [b"%b: %b\r\n" % header for header in headers if header[0] in framing]
    if not keep_alive:
        lines.append(b"Connection: close\r\n")
    return b"POST / HTTP/1.1\r\n" + b"".join(lines) + b"\r\n"
