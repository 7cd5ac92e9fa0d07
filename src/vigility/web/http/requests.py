"""Reads requests strictly: their JSON bodies, their queries and their ids."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from random import getrandbits
from time import perf_counter
from typing import Any, Final
from urllib.parse import parse_qsl, quote_from_bytes

import falcon
import falcon.asgi
import msgspec

from vigility.web.http.content_encoding import body_too_large, decoded

Receive = Callable[[], Awaitable[dict[str, Any]]]

MAX_BODY_BYTES: Final = 100 * 1024
# How much of a body that is too large is read and discarded. If the connection were closed with bytes
# unread, the sender would be cut off before it has read the response.
MAX_DISCARDED_BYTES: Final = 16 * 1024 * 1024

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MAX_PARAMETERS: Final = 50
# An error names at most so many members, each by at most so many characters.
_MAX_NAMED: Final = 5
_MAX_SHOWN: Final = 40


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


async def json_object(req: Request, members: Collection[str] | None = None) -> dict[str, Any]:
    """The JSON object in the body. A missing body and an empty list count as an empty object.

    If a member appears twice, the last one counts. Raises HTTPContentTooLarge, HTTPUnsupportedMediaType or
    HTTPBadRequest, also for a member that is none of `members`.
    """
    body = decoded(await encoded_json(req, MAX_BODY_BYTES), content_encoding(req), MAX_BODY_BYTES)
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
    if members is not None and (problem := unknown_members(value, members)):
        raise falcon.HTTPBadRequest(description=problem)
    return value


def unknown_members(value: Mapping[str, Any], allowed: Collection[str]) -> str | None:
    """A sentence about the members that are not allowed; None if there are none."""
    unknown = sorted(value.keys() - set(allowed))
    if not unknown:
        return None
    names = ", ".join(ascii(name)[:_MAX_SHOWN] for name in unknown[:_MAX_NAMED])
    return f"Unknown member {names}; allowed: {', '.join(allowed)}"


async def encoded_json(req: Request, max_bytes: int) -> bytes:
    """The body as it was sent, of at most `max_bytes`: `decoded` decompresses it if it is compressed.

    Unless it is empty, its type must be JSON. Raises HTTPContentTooLarge or HTTPUnsupportedMediaType.
    """
    body = await _read_body(req, max_bytes)
    if body and not _is_json(req.content_type):
        raise falcon.HTTPUnsupportedMediaType(description=_wrong_type(req.content_type))
    return body


def content_encoding(req: Request) -> str | None:
    """How the body was compressed, if it was."""
    return req.get_header("Content-Encoding")


def query_of(req: Request, allowed: tuple[str, ...]) -> dict[str, str]:
    """The parameters of the query, each at most once and one of `allowed`. Raises HTTPBadRequest."""
    if not req.query_string:
        return {}
    pairs = _pairs(req.query_string)
    found = dict(pairs)
    if unknown := found.keys() - set(allowed):
        names = ", ".join(sorted(ascii(name)[:_MAX_SHOWN] for name in unknown))
        expected = ", ".join(allowed) or "none"
        raise falcon.HTTPBadRequest(description=f"Unknown parameter {names}; allowed: {expected}")
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
        raise body_too_large(max_bytes)
    return bytes(body)


def _is_json(content_type: str | None) -> bool:
    return _media_type(content_type) == falcon.MEDIA_JSON


def _wrong_type(content_type: str | None) -> str:
    if not content_type:
        return "The body must be application/json, and the request must say so in Content-Type"
    sentence = f"The body must be application/json, not {ascii(content_type)[:_MAX_SHOWN]}"
    if _media_type(content_type) == "text/plain":  # what sendBeacon makes of a string
        return f'{sentence}; with sendBeacon, send new Blob([json], {{type: "application/json"}})'
    return sentence


def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()
