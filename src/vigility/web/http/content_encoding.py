"""Request bodies that were compressed before they were sent (`Content-Encoding`)."""

from __future__ import annotations

import zlib
from typing import Final

import falcon

ALLOWED: Final = ("gzip", "identity")
_GZIP: Final = frozenset({"gzip", "x-gzip"})  # the same (RFC 9110, 8.4.1.3)
_NONE: Final = frozenset({"identity", ""})
_GZIP_FRAMES: Final = 16 + zlib.MAX_WBITS


def decoded(body: bytes, content_encoding: str | None, max_bytes: int) -> bytes:
    """The body as it was before it was compressed.

    Raises HTTPUnsupportedMediaType if another encoding than gzip was used, HTTPBadRequest if the body is not
    gzip, and HTTPContentTooLarge, before more than `max_bytes` are decompressed.
    """
    encodings = [name.strip().lower() for name in (content_encoding or "").split(",")]
    used = [name for name in encodings if name not in _NONE]
    if not body or not used:
        return body
    if len(used) > 1 or used[0] not in _GZIP:
        named, allowed = ascii(", ".join(used))[:60], ", ".join(ALLOWED)
        raise falcon.HTTPUnsupportedMediaType(
            description=f"The body's Content-Encoding is {named}; allowed: {allowed}",
            headers={"Accept-Encoding": allowed},
        )
    return _unzipped(body, max_bytes)


def _unzipped(body: bytes, max_bytes: int) -> bytes:
    unzip = zlib.decompressobj(_GZIP_FRAMES)
    try:
        content = unzip.decompress(body, max_bytes + 1)
    except zlib.error:
        raise _not_gzip() from None
    if len(content) > max_bytes:
        raise body_too_large(max_bytes)
    # One stream, complete. (Thousands of empty ones would take a second to read.)
    if not unzip.eof or unzip.unused_data:
        raise _not_gzip()
    return content


def body_too_large(max_bytes: int) -> falcon.HTTPContentTooLarge:
    """The error for a body that has more bytes, compressed or not."""
    return falcon.HTTPContentTooLarge(description=f"The body must have at most {max_bytes} bytes")


def _not_gzip() -> falcon.HTTPBadRequest:
    return falcon.HTTPBadRequest(description="The body is not one complete gzip stream")
