"""What a shell offers at TAB."""

from __future__ import annotations

from vigility.core.dimensions import AgeGroup, Gender


def genders(incomplete: str) -> list[str]:
    """The genders that begin so."""
    return [gender.value for gender in Gender if gender.value.startswith(incomplete)]


def age_groups(incomplete: str) -> list[str]:
    """The age groups that begin so."""
    return [group.value for group in AgeGroup if group.value.startswith(incomplete)]
