"""A line is bounded: one wrong year does not make it a million days, nor hide the others."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

import vigility
from support.reports import daily
from vigility import Filters, NewEvent
from vigility.core.reports.shown_days import MAX_DAYS, DayRange, bounded
from vigility.core.times import CALENDAR

TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RECENT = {TODAY - 2 * DAY: 3, TODAY: 1}


def shown(first, last, *series):
    return bounded(DayRange(first, last), TODAY, series)


def test_a_range_of_thirty_years_is_shown_as_it_is():
    whole = DayRange(TODAY - (MAX_DAYS - 1) * DAY, TODAY)
    assert bounded(whole, TODAY, [RECENT]) == whole
    assert len(whole.days) == MAX_DAYS


def test_an_event_long_ago_does_not_hide_the_recent_ones():
    first, last = shown(date(1, 1, 1), TODAY, {date(1, 1, 1): 1, **RECENT})
    assert (last, (last - first).days + 1) == (TODAY, MAX_DAYS)


def test_an_event_in_a_far_future_does_not_either():
    begin = TODAY - 40 * DAY
    assert shown(begin, date(2569, 3, 1), {date(2569, 3, 1): 1, **RECENT}) == (begin, TODAY)


def test_if_none_falls_into_the_days_up_to_today_the_days_with_most_events_are_shown():
    old = {date(1970, 5, 1): 7, date(1971, 5, 1): 7}
    first, last = shown(date(27, 1, 1), date(2569, 1, 1), {date(27, 1, 1): 9, date(2569, 1, 1): 13, **old})
    assert (last, (last - first).days + 1) == (date(1971, 5, 1), MAX_DAYS)
    assert shown(date(27, 1, 1), TODAY, {date(27, 1, 1): 9}, old, {TODAY: 1}).last == TODAY


def test_of_equally_many_the_latest_days_are_shown():
    assert shown(date(1, 1, 1), TODAY, {date(1, 1, 1): 4, date(1950, 1, 1): 4}).last == date(1950, 1, 1)


def test_without_events_the_days_up_to_today_are_shown():
    first, last = shown(date(1, 1, 1), date(2569, 1, 1), {date(1, 1, 1): 0})
    assert (last, (last - first).days + 1) == (TODAY, MAX_DAYS)


days = st.dates(date(1, 1, 1), date(9999, 12, 31))


@given(edges=st.tuples(days, days), today=days, used=st.dictionaries(days, st.integers(0, 5), max_size=8))
def test_what_is_shown_is_a_part_of_the_range_and_has_events_if_there_are_any(edges, today, used):
    whole = DayRange(min(edges), max(edges))
    used = {day: count for day, count in used.items() if whole.first <= day <= whole.last}
    part = bounded(whole, today, [used])
    assert whole.first <= part.first <= part.last <= whole.last
    assert len(part.days) <= MAX_DAYS
    within = sum(count for day, count in used.items() if part.first <= day <= part.last)
    assert bool(within) == any(used.values())


def test_a_report_says_that_its_line_is_not_whole_and_counts_everything():
    with vigility.connect("memory:", clock=lambda: NOW) as v:
        v.users.add_without_password("ada", 36, "Female")
        times = ("0001-01-01T00:00:00Z", "2569-03-01T00:00:00Z", "2026-03-09T00:00:00Z")
        v.events.importer(CALENDAR).store([NewEvent("ada", "x", at) for at in (*times, times[-1])])
        report = v.report(feature="x")
        assert report.total == 4
        assert report.truncated == (date(1, 1, 1), date(2569, 3, 1))
        assert len(daily(report)) == MAX_DAYS
        assert daily(report)[-2:] == [(date(2026, 3, 9), 2), (TODAY, 0)]
        for typed in ("0002-09-23", "0020-09-23", "0202-09-23"):
            assert len(daily(v.report(Filters(start=typed), "x"))) == MAX_DAYS
        chosen = v.report(Filters(start="2569-01-01"), "x")
        assert (chosen.truncated, daily(chosen)[-1]) == (None, (date(2569, 3, 1), 1))
