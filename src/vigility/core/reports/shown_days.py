"""Which days a series shows: every day of a range, and never more than `MAX_DAYS`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

# Thirty years: longer than any history of a product. A line of so many days is 0.4 MB of JSON. Without a
# bound, one event with a wrong year (1, or 2569) makes it a line of a million days.
MAX_DAYS: Final = 11_000


class DayRange(NamedTuple):
    """From the first to the last day, both included."""

    first: date
    last: date

    @property
    def days(self) -> Sequence[date]:
        """Every day of it; none if the last is before the first."""
        return list(map(date.fromordinal, range(self.first.toordinal(), self.last.toordinal() + 1)))


def bounded(whole: DayRange, today: date, series: Iterable[Mapping[date, int]]) -> DayRange:
    """The part of a range that is shown: all of it, or at most `MAX_DAYS` days.

    Those are the days up to today or, if the `series` (events by day) have no event in them, the days in
    which most events fall. So a wrong year, in the past or in the future, does not hide the others.
    """
    first, last = (day.toordinal() for day in whole)
    if last - first < MAX_DAYS:
        return whole
    used: Counter[int] = Counter()
    for by_day in series:
        used.update({day.toordinal(): count for day, count in by_day.items() if count})
    end = min(max(today.toordinal(), first), last)
    if used and not any(end - MAX_DAYS < day <= end for day in used):
        end = _busiest_end(used)
    return DayRange(date.fromordinal(max(first, end - MAX_DAYS + 1)), date.fromordinal(end))


def _busiest_end(used: Mapping[int, int]) -> int:
    """The last of the `MAX_DAYS` days that have most events; of several, the latest."""
    days = sorted(used)
    best = most = events = oldest = 0
    for day in days:
        events += used[day]
        while day - days[oldest] >= MAX_DAYS:
            events -= used[days[oldest]]
            oldest += 1
        if events >= most:
            most, best = events, day
    return best
