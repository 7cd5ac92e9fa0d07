"""Reads requests strictly: their JSON bodies, their queries and their ids."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from random import getrandbits
from time import perf_counter
from typing import Any, Final
from urllib.parse import parse_qsl, quote_from_bytes

import falcon
import falcon.asgi
import msgspec

Receive = Callable[[], Awaitable[dict[str, Any]]]

MAX_BODY_BYTES: Final = 100 * 1024
# How much of a body that is too large is read and discarded. If the connection were closed with bytes
# unread, the sender would be cut off before it has read the response.
MAX_DISCARDED_BYTES: Final = 16 * 1024 * 1024

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MAX_PARAMETERS: Final = 50


class Request(falcon.asgi.Request):
    """Falcon's request, but raw bytes in the query are percent-encoded instead of causing a server error.

    `context` holds what the middleware needs: `began`, `request_id`, `address` (the client's),
    `cookie_allowed` and `user_id`.
    """

    def __init__(
        self,
        scope: dict[str, Any],
        receive: Receive,
        first_event: dict[str, Any] | None = None,
        options: falcon.RequestOptions | None = None,
    ) -> None:
        query: bytes = scope["query_string"]
        if not query.isascii():
            scope = {**scope, "query_string": quote_from_bytes(query, safe="%&=+").encode()}
        super().__init__(scope, receive, first_event, options)
        # Set here and not by middleware: Falcon rejects some methods before it calls any.
        self.context.began = perf_counter()
        self.context.request_id = request_id(self.get_header("X-Request-ID"))
        self.context.address = "unknown"
        self.context.cookie_allowed = False
        self.context.user_id = None


def request_id(given: str | None) -> str:
    """The id that the sender gave the request if it is harmless in a log, otherwise a new one."""
    # Nobody gains anything by guessing an id, so it need not come from the system's random source, which is
    # slower.
    return given if given and _REQUEST_ID.fullmatch(given) else f"{getrandbits(128):032x}"


def peer_of(client: tuple[str, int] | None) -> str:
    """The address of the other end of the connection."""
    return client[0] if client else "local"


async def json_object(req: Request) -> dict[str, Any]:
    """The JSON object in the body. A missing body and an empty list count as an empty object.

    If a member appears twice, the last one counts. Raises HTTPContentTooLarge, HTTPUnsupportedMediaType or
    HTTPBadRequest.
    """
    body = await json_body(req, MAX_BODY_BYTES)
    if not body:
        return {}
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise falcon.HTTPBadRequest(description="The body is not valid JSON") from None
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise falcon.HTTPBadRequest(description="The body must be a JSON object")
    return value


async def json_body(req: Request, max_bytes: int) -> bytes:
    """The body, of at most `max_bytes`. Unless it is empty, its type must be JSON.

    Raises HTTPContentTooLarge or HTTPUnsupportedMediaType.
    """
    body = await _read_body(req, max_bytes)
    if body and not _is_json(req.content_type):
        raise falcon.HTTPUnsupportedMediaType(description="The body must be application/json")
    return body


def query_of(req: Request, allowed: tuple[str, ...]) -> dict[str, str]:
    """The parameters of the query, each at most once and one of `allowed`. Raises HTTPBadRequest."""
    if not req.query_string:
        return {}
    pairs = _pairs(req.query_string)
    found = dict(pairs)
    if unknown := found.keys() - set(allowed):
        names = ", ".join(sorted(ascii(name)[:40] for name in unknown))
        raise falcon.HTTPBadRequest(description=f"Unknown parameter {names}; allowed: {', '.join(allowed)}")
    if len(found) < len(pairs):
        raise falcon.HTTPBadRequest(description="A parameter may appear only once")
    return found


def _pairs(query: str) -> list[tuple[str, str]]:
    bad = falcon.HTTPBadRequest(description="The query is not valid percent-encoded UTF-8")
    if _BAD_ESCAPE.search(query):
        raise bad
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:  # not UTF-8, or more parameters than any real client sends
        raise bad from None


async def _read_body(req: Request, max_bytes: int) -> bytes:
    too_large = (req.content_length or 0) > max_bytes
    body = bytearray()
    discarded = 0
    async for chunk in req.stream:
        too_large = too_large or len(body) + len(chunk) > max_bytes
        if not too_large:
            body += chunk
        elif (discarded := discarded + len(chunk)) > MAX_DISCARDED_BYTES:
            break
    if too_large:
        raise falcon.HTTPContentTooLarge(description=f"The body must have at most {max_bytes} bytes")
    return bytes(body)


def _is_json(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == "application/json"
