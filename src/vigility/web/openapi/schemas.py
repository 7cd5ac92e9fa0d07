"""The bodies of requests and responses, as /openapi.json describes them.

The rules themselves are the core's: `vigility.core.validators` validates what arrives. Tests check that the
two agree.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from vigility.core.dimensions import Gender
from vigility.core.invisible_characters import visible_pattern
from vigility.core.validators import (
    MAX_AGE,
    MAX_FEATURE_LENGTH,
    MAX_PASSWORD_LENGTH,
    MAX_USERNAME_LENGTH,
    MIN_AGE,
    MIN_PASSWORD_LENGTH,
)

MAX_EVENTS: Final = 5_000
"""The largest number of events in one batch."""

# No control or invisible characters, no line separators, and no space at either end.
_CONTROLS: Final = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
_NAME: Final = rf"^(?!\s){visible_pattern(_CONTROLS)}+(?<!\s)$"
_AGE_AS_TEXT: Final = r"^([1-9]|[1-9][0-9]|1[01][0-9]|120)$"

_DATE: Final = r"^\d{4}-\d\d-\d\d$"
_TIME_OF_EVENT: Final = (
    "ISO 8601 with a time zone. At most 5 minutes in the future, and as far in the past as the server allows "
    "(by default ten years). Without it: now."
)


def _pattern(pattern: str) -> dict[str, object]:
    return {"pattern": pattern}


Username = Annotated[
    str, Field(min_length=1, max_length=MAX_USERNAME_LENGTH, json_schema_extra=_pattern(_NAME))
]
Password = Annotated[str, Field(min_length=MIN_PASSWORD_LENGTH, max_length=MAX_PASSWORD_LENGTH)]
FeatureName = Annotated[
    str, Field(min_length=1, max_length=MAX_FEATURE_LENGTH, json_schema_extra=_pattern(_NAME))
]
Age = Annotated[int, Field(strict=True, ge=MIN_AGE, le=MAX_AGE)]
AgeAsText = Annotated[str, Field(json_schema_extra=_pattern(_AGE_AS_TEXT))]
Timestamp = Annotated[
    str,
    Field(description="UTC, to the millisecond.", pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"),
]


def _example(**fields: str | int) -> ConfigDict:
    example: JsonDict = {**fields}
    return ConfigDict(json_schema_extra={"examples": [example]})


class RegisterBody(BaseModel):
    """A new user."""

    model_config = _example(username="ada", password="a long password", age=36, gender="Female")  # noqa: S106

    username: Username
    password: Password
    age: Age | AgeAsText = Field(description="In whole years, as a number or as text.")
    gender: Gender


class LoginBody(BaseModel):
    """The user who signs in."""

    model_config = _example(username="ada", password="a long password")  # noqa: S106

    username: Annotated[str, Field(min_length=1)]
    password: Annotated[str, Field(min_length=1)]


class TrackBody(BaseModel):
    """The use of a feature, now or at a time of its own. Other members are refused."""

    model_config = ConfigDict(
        extra="forbid",
        **_example(feature_name="date_filter", event_id="123e4567-e89b-42d3-a456-426614174000"),
    )

    feature_name: FeatureName
    timestamp: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = Field(
        None, description=_TIME_OF_EVENT
    )
    event_id: UUID | None = Field(
        None,
        description="Chosen by the sender. Sending the same id again stores nothing; the response is 200.",
    )


class BatchEventBody(BaseModel):
    """One event of a batch. An invalid one is rejected by itself and reported in the response.

    One with other members is invalid.
    """

    feature_name: Any = Field(None, description="The name of the feature; required.")
    timestamp: Any = Field(None, description=_TIME_OF_EVENT)
    event_id: Any = Field(None, description="A UUID chosen by the sender, as for `POST /track`.")


class BatchBody(BaseModel):
    """Many uses of features. Other members are refused."""

    model_config = ConfigDict(extra="forbid")

    events: Annotated[list[BatchEventBody], Field(min_length=1, max_length=MAX_EVENTS)]


class _Response(BaseModel):
    model_config = ConfigDict(extra="forbid")


class UserResponse(_Response):
    """A user."""

    id: int
    username: str
    age: int
    gender: Gender


class SessionResponse(_Response):
    """A user who has just signed in, and the token for `Authorization: Bearer`."""

    user: UserResponse
    token: str


class MeResponse(_Response):
    """The user who is signed in."""

    user: UserResponse


class MessageResponse(_Response):
    """A sentence."""

    message: str


class EventResponse(_Response):
    """A stored event."""

    id: int
    userId: int  # noqa: N815 - the contract's name
    featureName: str  # noqa: N815
    timestamp: Timestamp


class QueuedEventResponse(_Response):
    """An event that is queued durably. It gets its id when it is stored."""

    eventId: UUID  # noqa: N815
    userId: int  # noqa: N815
    featureName: str  # noqa: N815
    timestamp: Timestamp


class RejectedEvent(_Response):
    """An event that was not stored."""

    index: int = Field(description="Its position in `events`, from 0.")
    error: str


class BatchResponse(_Response):
    """What happened to the events."""

    accepted: int = Field(description="Stored by this request.")
    duplicates: int = Field(description="Stored before, with the same event_id.")
    rejected: list[RejectedEvent]


class FeatureCountItem(_Response):
    """How many events a feature has."""

    feature: str
    count: int


class DayCountItem(_Response):
    """How many events of the chosen feature a UTC day has."""

    date: str = Field(pattern=_DATE)
    count: int


class RestItem(_Response):
    """The features without a bar, and how many events they have together."""

    features: int
    count: int


class DaysItem(_Response):
    """A range of UTC days."""

    startDate: str = Field(pattern=_DATE)  # noqa: N815
    endDate: str = Field(pattern=_DATE)  # noqa: N815


class AnalyticsResponse(_Response):
    """Bars: count descending, then feature ascending. Line: days ascending; empty without `feature`."""

    barChartData: list[FeatureCountItem]  # noqa: N815
    lineChartData: list[DayCountItem]  # noqa: N815
    rest: RestItem | None = Field(None, description="Only if `limit` leaves features out.")
    truncated: DaysItem | None = Field(
        None, description="The whole range of days, if it is longer than the 11,000 days that the line shows."
    )


class HealthResponse(_Response):
    """The database can be reached."""

    status: Literal["ok"]


class ErrorResponse(_Response):
    """What was wrong, in one sentence."""

    error: str
