"""Every operation of the API: what it takes, and with which statuses it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from vigility.core.dimensions import AgeGroup, Gender
from vigility.core.reports.filters import ALL
from vigility.core.validators import MAX_FEATURE_LENGTH
from vigility.web.openapi import schemas

Meaning = tuple[str, type[BaseModel] | str | None]
"""What a status means, and its body: a model, a media type, or none."""

ERRORS: Final[Mapping[int, Meaning]] = {
    400: ("A value breaks a rule; the sentence names it.", schemas.ErrorResponse),
    401: ("No token, or one that is wrong, expired or ended.", schemas.ErrorResponse),
    403: ("The request came from an origin that may not act with a cookie.", schemas.ErrorResponse),
    404: ("There is nothing at this address.", schemas.ErrorResponse),
    409: ("The event_id belongs to an event of another user or feature.", schemas.ErrorResponse),
    413: ("The body is over 100 kB, or 2 MiB for a batch.", schemas.ErrorResponse),
    415: ("The body is not application/json.", schemas.ErrorResponse),
    429: ("Too many attempts; Retry-After says how many seconds to wait.", schemas.ErrorResponse),
    503: ("The store is unavailable; try again after Retry-After seconds.", schemas.ErrorResponse),
    504: ("The store was lost while it stored this, which may be stored or not.", schemas.ErrorResponse),
}
NOT_MODIFIED: Final[Mapping[int, Meaning]] = {304: ("The browser has it already.", None)}
HTML: Final = "text/html"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query or the path."""

    name: str
    description: str
    schema: Mapping[str, Any]
    place: str = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method at one path. `errors` are the statuses of `ERRORS` that it can answer with."""

    method: str
    name: str
    summary: str
    answers: Mapping[int, Meaning]
    errors: tuple[int, ...] = ()
    body: type[BaseModel] | None = None
    parameters: tuple[Parameter, ...] = ()
    needs_user: bool = False
    links: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def all_answers(self) -> dict[int, Meaning]:
        """Every status, and what it means."""
        return dict(self.answers) | {status: ERRORS[status] for status in self.errors}


def _page(name: str) -> Operation:
    return Operation(
        method="GET", name=name, summary="The page.", answers={200: ("The page.", HTML), **NOT_MODIFIED}
    )


def _day(name: str, which: str) -> Parameter:
    allowed = {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "enum": ["", ALL]}]}
    return Parameter(name, f"The {which} UTC day that is counted.", allowed)


def _choice(name: str, values: type[AgeGroup | Gender], description: str) -> Parameter:
    return Parameter(name, description, {"type": "string", "enum": [*values, ALL, ""]})


_FEATURE: Final = Parameter(
    "feature",
    "The feature whose days are shown. It does not change the bars.",
    {"type": "string", "maxLength": MAX_FEATURE_LENGTH},
)
_BODY_ERRORS: Final = (400, 413, 415)
_LOG_IN: Final = {
    "logIn": {
        "operationId": "login",
        "requestBody": {"username": "$request.body#/username", "password": "$request.body#/password"},
    }
}
_SESSION: Final[Meaning] = ("The user and a token; both cookies are set.", schemas.SessionResponse)

OPERATIONS: Final[Mapping[str, tuple[Operation, ...]]] = {
    "/register": (
        _page("registerPage"),
        Operation(
            method="POST",
            name="register",
            summary="Register a user and log in.",
            answers={201: _SESSION},
            errors=(*_BODY_ERRORS, 403, 429, 503, 504),
            body=schemas.RegisterBody,
            links=_LOG_IN,
        ),
    ),
    "/login": (
        _page("loginPage"),
        Operation(
            method="POST",
            name="login",
            summary="Log in.",
            answers={200: _SESSION},
            errors=(*_BODY_ERRORS, 403, 429, 503, 504),
            body=schemas.LoginBody,
        ),
    ),
    "/logout": (
        Operation(
            method="POST",
            name="logout",
            summary="Log out: the token is of no use any more, on any worker, within 5 seconds.",
            answers={200: ("Logged out; both cookies are cleared.", schemas.MessageResponse)},
            errors=(*_BODY_ERRORS, 403, 503, 504),
        ),
    ),
    "/me": (
        Operation(
            method="GET",
            name="me",
            summary="Who is logged in.",
            answers={200: ("The user.", schemas.MeResponse)},
            errors=(401, 503),
            needs_user=True,
        ),
    ),
    "/track": (
        Operation(
            method="POST",
            name="track",
            summary="Store that the user used a feature now. Durable when it is answered.",
            answers={
                201: ("The event is stored.", schemas.EventResponse),
                200: ("The event_id was stored before; this is that event.", schemas.EventResponse),
            },
            errors=(*_BODY_ERRORS, 401, 403, 409, 503, 504),
            body=schemas.TrackBody,
            needs_user=True,
        ),
    ),
    "/track/batch": (
        Operation(
            method="POST",
            name="trackBatch",
            summary="Store many events of the user, each at its own time. Durable when it is answered.",
            answers={200: ("The right ones are stored, the others told by index.", schemas.BatchResponse)},
            errors=(*_BODY_ERRORS, 401, 403, 503, 504),
            body=schemas.BatchBody,
            needs_user=True,
        ),
    ),
    "/analytics": (
        Operation(
            method="GET",
            name="analytics",
            summary="How often each feature was used and, with `feature`, on which days that one.",
            answers={200: ("The counts.", schemas.AnalyticsResponse)},
            errors=(400, 401, 503),
            parameters=(
                _day("startDate", "first"),
                _day("endDate", "last"),
                _choice("ageGroup", AgeGroup, "The age group, as of the event."),
                _choice("gender", Gender, "The gender, as of the event."),
                _FEATURE,
            ),
            needs_user=True,
        ),
    ),
    "/health": (
        Operation(
            method="GET",
            name="health",
            summary="Whether the store can be reached.",
            answers={200: ("It can.", schemas.HealthResponse)},
            errors=(503,),
        ),
    ),
    "/metrics": (
        Operation(
            method="GET",
            name="metrics",
            summary="Counts and latencies of all workers, for Prometheus.",
            answers={200: ("The metrics.", "text/plain")},
        ),
    ),
    "/openapi.json": (
        Operation(
            method="GET",
            name="openapi",
            summary="This description.",
            answers={200: ("OpenAPI 3.1.", "application/json"), **NOT_MODIFIED},
        ),
    ),
    "/docs": (
        Operation(
            method="GET",
            name="docs",
            summary="This description, to read.",
            answers={200: ("A page.", HTML), **NOT_MODIFIED},
        ),
    ),
    "/": (_page("home"),),
    "/dashboard": (_page("dashboard"),),
    "/static/{path}": (
        Operation(
            method="GET",
            name="static",
            summary="A file that the page loads.",
            answers={200: ("The file.", "*/*"), **NOT_MODIFIED},
            errors=(404,),
            parameters=(Parameter("path", "The file's path.", {"type": "string"}, "path"),),
        ),
    ),
}
