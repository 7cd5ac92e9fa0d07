"""The window: which times an event may have when it is tracked.

A wrong calendar (2569 for 2026), a two-digit year or an empty clock (1970) is still a valid time. Stored, it
would stretch every series over centuries. So such a time is refused where it comes in, and older history is
taken by an explicit choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vigility.core.times import MICROS_PER_DAY, MICROS_PER_SECOND, Span
from vigility.core.validators import valid_count

OLDEST_DAYS: Final = 3653
"""How many days old an event may be by default: ten years."""

MAX_OLDEST_DAYS: Final = 365_000
"""The widest window: a thousand years, all within the calendar."""

# A sender's clock may be slightly fast. An event dated next week is a mistake.
MAX_AHEAD_MICROS: Final = 5 * 60 * MICROS_PER_SECOND


@dataclass(frozen=True, slots=True)
class EventWindow:
    """From `oldest_days` days ago to five minutes ahead.

    Raises:
        InvalidInput: `oldest_days` is not a whole number from 1 to 365,000.
    """

    oldest_days: int = OLDEST_DAYS

    def __post_init__(self) -> None:
        days = valid_count("oldest_event_days", self.oldest_days, MAX_OLDEST_DAYS)
        object.__setattr__(self, "oldest_days", days)

    def span(self, now: int) -> Span:
        """The window at a moment. All in microseconds since the epoch."""
        return Span(now - self.oldest_days * MICROS_PER_DAY, now + MAX_AHEAD_MICROS)


DEFAULT_WINDOW: Final = EventWindow()
