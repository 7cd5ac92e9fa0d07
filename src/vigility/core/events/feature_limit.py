"""How many different features are taken: names come from senders, and each costs every report a row."""

from __future__ import annotations

from typing import Final

from vigility.core.errors import InvalidInput

MAX_FEATURES: Final = 10_000
"""The default. Products have some hundreds; with 200,000 every report took 3 s."""


def too_many_features(name: str, allowed: int) -> InvalidInput:
    """The error of an event whose feature would be one more than allowed."""
    return InvalidInput(
        "feature_name",
        f"must be that of a feature that was tracked before, not {name!r}: "
        f"more than {allowed:,} features are not taken (VIGILITY_MAX_FEATURES)",
    )
