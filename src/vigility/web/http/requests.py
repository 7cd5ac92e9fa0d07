"""What comes in: requests, their JSON bodies and their queries, read strictly."""

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
# Of a body that is too large so much is read and forgotten: where a connection is closed with bytes unread,
# the sender is cut off before it has seen the answer.
MAX_DISCARDED_BYTES: Final = 16 * 1024 * 1024

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MOST_PARAMETERS: Final = 50


class Request(falcon.asgi.Request):
    """Falcon's request, except that a query in raw bytes is percent-encoded and not a server error.

    `context` holds what the hooks round a request need: `began`, `request_id`, `address` (whose it is),
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
        # Set here and not by a hook: Falcon refuses some methods before it calls the first.
        self.context.began = perf_counter()
        self.context.request_id = request_id(self.get_header("X-Request-ID"))
        self.context.address = "unknown"
        self.context.cookie_allowed = False
        self.context.user_id = None


def request_id(given: str | None) -> str:
    """The id that the sender gave the request, where it can do no harm in a log; else a new one."""
    # Nobody gains by guessing one, so they need not come from the system, which takes longer.
    return given if given and _REQUEST_ID.fullmatch(given) else f"{getrandbits(128):032x}"


def peer_of(client: tuple[str, int] | None) -> str:
    """The address at the connection's other end."""
    return client[0] if client else "local"


async def json_object(req: Request) -> dict[str, Any]:
    """The members of the JSON object in the body; none where there is no body, or an empty list.

    Of a name that comes twice the last counts. Raises HTTPContentTooLarge,
    HTTPUnsupportedMediaType or HTTPBadRequest.
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


async def json_body(req: Request, most: int) -> bytes:
    """The body, at most so many bytes, which is of the type of JSON where there is one.

    Raises HTTPContentTooLarge or HTTPUnsupportedMediaType.
    """
    body = await _body(req, most)
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
        raise falcon.HTTPBadRequest(description="A parameter may come only once")
    return found


def _pairs(query: str) -> list[tuple[str, str]]:
    bad = falcon.HTTPBadRequest(description="The query is not valid percent-encoded UTF-8")
    if _BAD_ESCAPE.search(query):
        raise bad
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:  # not UTF-8, or more parameters than any sender has
        raise bad from None


async def _body(req: Request, most: int) -> bytes:
    too_large = (req.content_length or 0) > most
    body = bytearray()
    discarded = 0
    async for chunk in req.stream:
        too_large = too_large or len(body) + len(chunk) > most
        if not too_large:
            body += chunk
        elif (discarded := discarded + len(chunk)) > MAX_DISCARDED_BYTES:
            break
    if too_large:
        raise falcon.HTTPContentTooLarge(description=f"The body must have at most {most} bytes")
    return bytes(body)


def _is_json(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == "application/json"
