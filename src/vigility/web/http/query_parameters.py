"""The names that HTTP gives to filters. A dimension that the core declares becomes a parameter by itself."""

from __future__ import annotations

from typing import Final

from vigility.core.dimensions import DIMENSIONS, Dimension
from vigility.core.errors import InvalidInput

START_DATE: Final = "startDate"
END_DATE: Final = "endDate"
FEATURE: Final = "feature"
LIMIT: Final = "limit"

MAX_LIMIT: Final = 1_000
"""The most bars of one response, and what it has by default: more can neither be read nor drawn."""


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


DIMENSION_PARAMETERS: Final[dict[str, Dimension]] = {
    _camel_case(dimension.name): dimension for dimension in DIMENSIONS
}
"""Each dimension by its parameter: `ageGroup`, `gender`."""

FIELD_PARAMETERS: Final[dict[str, str]] = {
    "start": START_DATE,
    "end": END_DATE,
    **{dimension.name: name for name, dimension in DIMENSION_PARAMETERS.items()},
}
"""The parameter for each field that the core's errors name."""


def limit_of(text: str) -> int:
    """The value of the parameter `limit`. Raises InvalidInput."""
    if not text:
        return MAX_LIMIT
    if text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_LIMIT)):
        limit = int(text)
        if 1 <= limit <= MAX_LIMIT:
            return limit
    raise InvalidInput(LIMIT, f"must be a whole number from 1 to {MAX_LIMIT}, not {text!r:.40}")
