"""The one place where errors become answers: `{"error": "<one clear sentence>"}`."""

from __future__ import annotations

import logging
from typing import Any, Final

import falcon
import falcon.asgi
import msgspec

from vigility.core.errors import EventConflict, InvalidCredentials, InvalidInput, OutcomeUnknown, StoreError, StoreUnavailable, UnknownUser, UserGone, UsernameTaken, VigilityError

logger: Final = logging.getLogger("vigility.web")

RETRY_AFTER_SECONDS: Final = 1

# The fields of the core whose names in a query differ.
_NAMES: Final = {"start": "startDate", "end": "endDate", "age_group": "ageGroup"}
_STATUS: Final[dict[type[VigilityError], str]] = {
    UsernameTaken: falcon.HTTP_400,
    InvalidCredentials: falcon.HTTP_400,
    EventConflict: falcon.HTTP_409,
}
_SENTENCES: Final = {
    falcon.HTTP_404: "There is nothing at this address",
    falcon.HTTP_405: "This method is not allowed here",
}


def install(app: falcon.asgi.App[Any, Any]) -> None:
    """Let the application answer every error as JSON."""
    app.set_error_serializer(_serialize)
    app.add_error_handler(Exception, _on_bug)
    app.add_error_handler(falcon.HTTPError, _on_http_error)
    app.add_error_handler(VigilityError, _on_refusal)
    app.add_error_handler(StoreError, _on_store_error)


def sentence_of(error: VigilityError) -> str:
    """What the error says, with the fields named as in HTTP."""
    if isinstance(error, InvalidInput):
        return f"{_NAMES.get(error.field, error.field)} {error.rule}"
    return str(error)


async def _on_refusal(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, error: VigilityError, _params: dict[str, Any]
) -> None:
    if isinstance(error, UnknownUser | UserGone):  # deleted since the token was checked
        error_ = falcon.HTTPUnauthorized(description="Invalid or expired token", challenges=["Bearer"])
        await _on_http_error(req, resp, error_, _params)
        return
    resp.status = _STATUS.get(type(error), falcon.HTTP_400)
    _write(resp, sentence_of(error))


async def _on_store_error(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, error: StoreError, _params: dict[str, Any]
) -> None:
    logger.error("request %s: %s", req.context.request_id, error)
    if isinstance(error, OutcomeUnknown):  # no 503, which says that nothing was stored
        resp.status = falcon.HTTP_504
        _write(resp, "The store was lost while it stored this, which may be stored or not")
        return
    resp.status = falcon.HTTP_503
    resp.set_header("Retry-After", str(RETRY_AFTER_SECONDS))
    reason = error.reason if isinstance(error, StoreUnavailable) else "it failed, and the log says why"
    _write(resp, f"The store is unavailable: {reason}; try again shortly")


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
