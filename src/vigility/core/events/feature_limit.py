"""How many different features are taken: names come from senders, and each costs every report a row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vigility.core.errors import InvalidInput

MAX_FEATURES: Final = 10_000
"""The default. Products have some hundreds; with 200,000 every report took 3 s."""

HIGHEST_LIMIT: Final = 1_000_000
"""The most that can be chosen: with more, no report could be read or made in time."""


def too_many_features(name: str, allowed: int) -> InvalidInput:
    """The error of an event whose feature would be one more than allowed."""
    return InvalidInput(
        "feature_name",
        f"must be that of a feature that was tracked before, not {name!r}: "
        f"more than {allowed:,} features are not taken (VIGILITY_MAX_FEATURES)",
    )


class NewFeatures:
    """The features that events would add to those that are stored, at most so many in all.

    Attributes:
        names: the new ones so far.
    """

    def __init__(self, stored: Iterable[str], allowed: int | None) -> None:
        self._stored = frozenset(stored)
        self._allowed = allowed
        self.names: set[str] = set()

    def refused(self, name: str) -> InvalidInput | None:
        """Why an event of this feature would be refused; None if it would not."""
        known = name in self._stored or name in self.names
        if known or self._allowed is None or len(self._stored) + len(self.names) < self._allowed:
            return None
        return too_many_features(name, self._allowed)

    def add(self, name: str) -> None:
        """Count the feature of an event that would be stored."""
        if name not in self._stored:
            self.names.add(name)
