"""Every operation of the API: what it takes, and the statuses that it responds with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from vigility.core.dimensions import Dimension
from vigility.core.reports.filters import ALL
from vigility.core.validators import MAX_FEATURE_LENGTH
from vigility.web.http.query_parameters import (
    DIMENSION_PARAMETERS,
    END_DATE,
    FEATURE,
    LIMIT,
    MAX_LIMIT,
    START_DATE,
)
from vigility.web.openapi import schemas

ResponseSpec = tuple[str, type[BaseModel] | str | None]
"""What a status means, and the body: a model, a media type, or none."""

ERRORS: Final[Mapping[int, ResponseSpec]] = {
    400: ("A value breaks a rule; the sentence names it.", schemas.ErrorResponse),
    401: ("There is no token, or it is invalid, expired or revoked.", schemas.ErrorResponse),
    403: ("The request came from an origin that may not act with a cookie.", schemas.ErrorResponse),
    404: ("There is nothing at this address.", schemas.ErrorResponse),
    409: ("The event_id belongs to the user's event of another feature.", schemas.ErrorResponse),
    413: ("The body, decompressed, is over 100 kB, or over 2 MiB for a batch.", schemas.ErrorResponse),
    415: ("The body is not application/json, or is encoded otherwise than by gzip.", schemas.ErrorResponse),
    421: ("The Host header names another host than this server's.", schemas.ErrorResponse),
    429: ("Too many attempts or events; Retry-After tells how many seconds to wait.", schemas.ErrorResponse),
    503: (
        "The database is unavailable or damaged, or too much waits; Retry-After tells when to try again.",
        schemas.ErrorResponse,
    ),
    504: (
        "The database was lost during the commit, so this may or may not be stored.",
        schemas.ErrorResponse,
    ),
}
NOT_MODIFIED: Final[Mapping[int, ResponseSpec]] = {304: ("The browser already has it.", None)}
HTML: Final = "text/html"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the query or in the path."""

    name: str
    description: str
    schema: Mapping[str, Any]
    place: str = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method at one path. `errors` are the statuses of `ERRORS` that it can respond with, besides 421."""

    method: str
    name: str
    summary: str
    responses: Mapping[int, ResponseSpec]
    errors: tuple[int, ...] = ()
    body: type[BaseModel] | None = None
    parameters: tuple[Parameter, ...] = ()
    needs_user: bool = False
    links: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def all_responses(self) -> dict[int, ResponseSpec]:
        """Every status, with what it means."""
        return dict(self.responses) | {status: ERRORS[status] for status in (*self.errors, 421)}


def _page(name: str) -> Operation:
    return Operation(
        method="GET",
        name=name,
        summary="The dashboard's page.",
        responses={200: ("The page.", HTML), **NOT_MODIFIED},
    )


def _day(name: str, which: str) -> Parameter:
    allowed = {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "enum": ["", ALL]}]}
    return Parameter(name, f"The {which} UTC day that is counted.", allowed)


def _dimension(name: str, dimension: Dimension) -> Parameter:
    description = f"The {dimension.name.replace('_', ' ')}, at the time of the event."
    return Parameter(name, description, {"type": "string", "enum": [*dimension.values, ALL, ""]})


_FEATURE: Final = Parameter(
    FEATURE,
    "The feature whose days are shown. It does not change the bars.",
    {"type": "string", "maxLength": MAX_FEATURE_LENGTH},
)
_LIMIT: Final = Parameter(
    LIMIT,
    "How many bars there are at most, the highest first. `rest` says how much that leaves out.",
    {
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": MAX_LIMIT},
            {"type": "string", "maxLength": 0},
        ]
    },
)
_BODY_ERRORS: Final = (400, 413, 415)
_SIGN_IN_LINK: Final = {
    "logIn": {
        "operationId": "login",
        "requestBody": {"username": "$request.body#/username", "password": "$request.body#/password"},
    }
}
_SESSION: Final[ResponseSpec] = ("The user and a token; both cookies are set.", schemas.SessionResponse)

_ACCOUNTS: Final[Mapping[str, tuple[Operation, ...]]] = {
    "/register": (
        _page("registerPage"),
        Operation(
            method="POST",
            name="register",
            summary="Register a user and sign in.",
            responses={201: _SESSION},
            errors=(*_BODY_ERRORS, 403, 429, 503, 504),
            body=schemas.RegisterBody,
            links=_SIGN_IN_LINK,
        ),
    ),
    "/login": (
        _page("loginPage"),
        Operation(
            method="POST",
            name="login",
            summary="Sign in.",
            responses={200: _SESSION},
            errors=(*_BODY_ERRORS, 403, 429, 503, 504),
            body=schemas.LoginBody,
        ),
    ),
    "/logout": (
        Operation(
            method="POST",
            name="logout",
            summary="Log out. Within 5 seconds every worker refuses the token.",
            responses={200: ("Logged out; both cookies are cleared.", schemas.MessageResponse)},
            errors=(*_BODY_ERRORS, 403, 503, 504),
        ),
    ),
    "/me": (
        Operation(
            method="GET",
            name="me",
            summary="The user who is signed in.",
            responses={200: ("The user.", schemas.MeResponse)},
            errors=(401, 503),
            needs_user=True,
        ),
    ),
}
_EVENTS: Final[Mapping[str, tuple[Operation, ...]]] = {
    "/track": (
        Operation(
            method="POST",
            name="track",
            summary="Store that the user used a feature. It is durable when the response is sent.",
            responses={
                201: ("The event is stored.", schemas.EventResponse),
                200: ("The event_id was stored before; this is that event.", schemas.EventResponse),
                202: (
                    "The event is queued durably and stored later. Only on servers that write to a stream.",
                    schemas.QueuedEventResponse,
                ),
            },
            errors=(*_BODY_ERRORS, 401, 403, 409, 429, 503, 504),
            body=schemas.TrackBody,
            needs_user=True,
        ),
    ),
    "/track/batch": (
        Operation(
            method="POST",
            name="trackBatch",
            summary="Store many events of the user, each with its own time. "
            "They are durable when the response is sent.",
            responses={
                200: (
                    "The valid events are stored, the others are reported by index.",
                    schemas.BatchResponse,
                )
            },
            errors=(*_BODY_ERRORS, 401, 403, 429, 503, 504),
            body=schemas.BatchBody,
            needs_user=True,
        ),
    ),
    "/analytics": (
        Operation(
            method="GET",
            name="analytics",
            summary="How often each feature was used and, with `feature`, on which days that one was used.",
            responses={200: ("The counts.", schemas.AnalyticsResponse)},
            errors=(400, 401, 503),
            parameters=(
                _day(START_DATE, "first"),
                _day(END_DATE, "last"),
                *(_dimension(name, dimension) for name, dimension in DIMENSION_PARAMETERS.items()),
                _FEATURE,
                _LIMIT,
            ),
            needs_user=True,
        ),
    ),
}
_SERVER: Final[Mapping[str, tuple[Operation, ...]]] = {
    "/health": (
        Operation(
            method="GET",
            name="health",
            summary="Whether the database can be reached.",
            responses={200: ("It can.", schemas.HealthResponse)},
            errors=(503,),
        ),
    ),
    "/metrics": (
        Operation(
            method="GET",
            name="metrics",
            summary="Counts and latencies of all workers, for Prometheus.",
            responses={200: ("The metrics.", "text/plain")},
            errors=(401,),
        ),
    ),
    "/openapi.json": (
        Operation(
            method="GET",
            name="openapi",
            summary="This description.",
            responses={200: ("OpenAPI 3.1.", "application/json"), **NOT_MODIFIED},
        ),
    ),
    "/docs": (
        Operation(
            method="GET",
            name="docs",
            summary="This description as a page.",
            responses={200: ("The page.", HTML), **NOT_MODIFIED},
        ),
    ),
    "/": (_page("home"),),
    "/dashboard": (_page("dashboard"),),
    "/static/{path}": (
        Operation(
            method="GET",
            name="static",
            summary="A file that the dashboard loads.",
            responses={200: ("The file.", "*/*"), **NOT_MODIFIED},
            errors=(404,),
            parameters=(Parameter("path", "The path of the file.", {"type": "string"}, "path"),),
        ),
    ),
}

OPERATIONS: Final[Mapping[str, tuple[Operation, ...]]] = {**_ACCOUNTS, **_EVENTS, **_SERVER}
"""Every operation, by its path."""
