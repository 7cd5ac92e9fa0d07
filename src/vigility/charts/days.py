"""Chooses which days of a time axis get a label, and the texts of the labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Final

# Not strftime: its month names follow the locale, and all other texts of a chart are English.
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STEPS_IN_DAYS: Final = (1, 2, 7, 14)
_STEPS_IN_MONTHS: Final = (1, 3, 6, *(12 * years for years in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)))
_DAYS_A_MONTH: Final = 30.4375
_MONTHS_A_YEAR: Final = 12
_WEEK: Final = 7

# The widest line of text in each kind of label.
_WIDEST_DAY: Final = "28 May"
_WIDEST_MONTH: Final = "2028"


def labelled_days(first: date, last: date, fitting: Callable[[str], int]) -> dict[date, str]:
    """Return the days from `first` to `last` that get a label, evenly spaced, with their labels.

    `fitting` returns how many labels as wide as a given one fit. Steps of one or two days start at the
    first day, steps of weeks on a Monday, steps of months or years on the first of January. The first
    label, and each label where the year changes, has the year on a second line.
    """
    span = (last - first).days + 1
    for step in _STEPS_IN_DAYS:
        if span / step <= fitting(_WIDEST_DAY):
            return _with_years(_every_days(first, last, step), by_day=True)
    for step in _STEPS_IN_MONTHS:
        if span / (step * _DAYS_A_MONTH) <= fitting(_WIDEST_MONTH):
            days = _every_months(first, last, step)
            if step % _MONTHS_A_YEAR == 0:
                return {day: str(day.year) for day in days}
            return _with_years(days, by_day=False)
    return {first: str(first.year)}


def _every_days(first: date, last: date, step: int) -> Iterator[date]:
    offset = -first.weekday() % _WEEK if step >= _WEEK else 0
    for days in range(offset, (last - first).days + 1, step):
        yield first + timedelta(days=days)


def _every_months(first: date, last: date, step: int) -> Iterator[date]:
    begin = first.year * _MONTHS_A_YEAR + first.month - 1
    end = last.year * _MONTHS_A_YEAR + last.month - 1
    for month in range(begin + -begin % step, end + 1, step):
        day = date(month // _MONTHS_A_YEAR, month % _MONTHS_A_YEAR + 1, 1)
        if day >= first:
            yield day


def _with_years(days: Iterator[date], *, by_day: bool) -> dict[date, str]:
    labels: dict[date, str] = {}
    year = None
    for day in days:
        month = _MONTHS[day.month - 1]
        label = f"{day.day} {month}" if by_day else month
        labels[day] = label if day.year == year else f"{label}\n{day.year}"
        year = day.year
    return labels
