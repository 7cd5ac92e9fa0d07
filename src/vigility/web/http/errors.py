"""The one place where errors become responses: `{"error": "<one clear sentence>"}`."""

from __future__ import annotations

import logging
from typing import Any, Final

import falcon
import falcon.asgi
import msgspec

from vigility.core.errors import (
    EventConflict,
    InvalidCredentials,
    InvalidInput,
    OutcomeUnknown,
    StoreDamaged,
    StoreError,
    StoreUnavailable,
    UnknownUser,
    UserGone,
    UsernameTaken,
    VigilityError,
)
from vigility.web.http.query_parameters import FIELD_PARAMETERS
from vigility.web.http.write_limit import TooManyEvents

logger: Final = logging.getLogger("vigility.web")

RETRY_AFTER_SECONDS: Final = 1

_STATUS: Final[dict[type[VigilityError], str]] = {
    UsernameTaken: falcon.HTTP_400,
    InvalidCredentials: falcon.HTTP_400,
    EventConflict: falcon.HTTP_409,
    TooManyEvents: falcon.HTTP_429,
}
_SENTENCES: Final = {
    falcon.HTTP_404: "There is nothing at this address",
    falcon.HTTP_405: "This method is not allowed here",
}


def install(app: falcon.asgi.App[Any, Any]) -> None:
    """Make the application respond to every error with JSON."""
    app.set_error_serializer(_serialize)
    app.add_error_handler(Exception, _on_bug)
    app.add_error_handler(falcon.HTTPError, _on_http_error)
    app.add_error_handler(VigilityError, _on_vigility_error)
    app.add_error_handler(StoreError, _on_store_error)


def sentence_of(error: VigilityError) -> str:
    """The error's message, with fields named as HTTP names them."""
    if isinstance(error, InvalidInput):
        return f"{FIELD_PARAMETERS.get(error.field, error.field)} {error.rule}"
    return str(error)


async def _on_vigility_error(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, error: VigilityError, params: dict[str, Any]
) -> None:
    if isinstance(error, UnknownUser | UserGone):  # deleted after the token was checked
        unauthorized = falcon.HTTPUnauthorized(description="Invalid or expired token", challenges=["Bearer"])
        await _on_http_error(req, resp, unauthorized, params)
        return
    if isinstance(error, TooManyEvents):
        resp.set_header("Retry-After", str(error.seconds))
    resp.status = _STATUS.get(type(error), falcon.HTTP_400)
    _write(resp, sentence_of(error))


async def _on_store_error(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, error: StoreError, _params: dict[str, Any]
) -> None:
    logger.error("request %s: %s", req.context.request_id, error)
    if isinstance(error, OutcomeUnknown):  # not 503, which promises that nothing was stored
        resp.status = falcon.HTTP_504
        _write(resp, "The database was lost during the commit, so this may or may not be stored")
        return
    resp.status = falcon.HTTP_503
    if isinstance(error, StoreDamaged):  # it does not pass
        _write(resp, "The database is damaged: vigility db check --integrity tells more")
        return
    resp.set_header("Retry-After", str(RETRY_AFTER_SECONDS))
    reason = error.reason if isinstance(error, StoreUnavailable) else "it failed, and the log says why"
    _write(resp, f"The database is unavailable: {reason}; try again shortly")


async def _on_http_error(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, error: falcon.HTTPError, _params: dict[str, Any]
) -> None:
    resp.status = error.status
    if error.headers:
        resp.set_headers(error.headers)
    _serialize(req, resp, error)


async def _on_bug(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, error: Exception, _params: dict[str, Any]
) -> None:
    logger.error("request %s failed", req.context.request_id, exc_info=error)
    resp.status = falcon.HTTP_500
    _write(resp, "The server failed; the log says why")


def _serialize(_req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError) -> None:
    status = falcon.code_to_http_status(error.status)
    _write(resp, error.description or _SENTENCES.get(status) or error.title or status)


def _write(resp: falcon.Response, sentence: str) -> None:
    resp.content_type = falcon.MEDIA_JSON
    resp.text = None
    resp.data = msgspec.json.encode({"error": sentence})
