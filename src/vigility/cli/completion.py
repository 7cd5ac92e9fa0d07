"""Shell completion of option values."""

from __future__ import annotations

from vigility.core.dimensions import AgeGroup, Gender


def genders(incomplete: str) -> list[str]:
    """Return the genders that begin with `incomplete`."""
    return [gender.value for gender in Gender if gender.value.startswith(incomplete)]


def age_groups(incomplete: str) -> list[str]:
    """Return the age groups that begin with `incomplete`."""
    return [group.value for group in AgeGroup if group.value.startswith(incomplete)]
