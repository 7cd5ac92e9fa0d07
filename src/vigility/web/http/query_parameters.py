"""The names that HTTP gives to filters. A dimension that the core declares becomes a parameter by itself."""

from __future__ import annotations

from typing import Final

from vigility.core.dimensions import DIMENSIONS, Dimension

START_DATE: Final = "startDate"
END_DATE: Final = "endDate"
FEATURE: Final = "feature"


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
