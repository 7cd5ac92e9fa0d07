from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from support.reports import daily, totals
from vigility import Filters
from vigility.core.reports.ports import Counts, Rest
from vigility.core.reports.query import Query
from vigility.core.reports.report import build_report

TODAY = date(2026, 3, 10)
NOW = datetime.combine(TODAY, time(12), UTC)
DAY = timedelta(days=1)


def counts(by_feature=None, by_day=None, first=None, last=None, *, known=True):
    """Counts of a query with the series of "a"."""
    return Counts(
        totals={(feature,): count for feature, count in (by_feature or {}).items()},
        series={("a",): by_day or {}} if known else {},
        first_day=first,
        last_day=last,
    )


def report(counts, feature="a", **filters):
    query = Query(filters=Filters(**filters), series_of=feature or ())
    return build_report(query, counts, NOW)


def test_features_are_ordered_by_count_then_by_name():
    ranked = report(counts({"b": 2, "a": 2, "B": 2, "z": 9}))
    assert list(totals(ranked).items()) == [("z", 9), ("B", 2), ("a", 2), ("b", 2)]
    assert ranked.total == 15


def test_without_a_feature_there_is_no_series():
    assert report(counts({"a": 1}, known=False), feature=None).series == ()


def test_the_series_of_an_untracked_feature_has_no_points():
    found = report(counts({"b": 1}, first=None, last=None, known=False))
    assert [(series.label, series.points) for series in found.series] == [("a", ())]


def test_days_without_events_are_zero():
    found = counts(by_day={TODAY - 3 * DAY: 5}, first=TODAY - 4 * DAY, last=TODAY - 2 * DAY)
    assert daily(report(found)) == [
        (TODAY - 4 * DAY, 0),
        (TODAY - 3 * DAY, 5),
        (TODAY - 2 * DAY, 0),
        (TODAY - DAY, 0),
        (TODAY, 0),
    ]


def test_days_go_beyond_today_if_events_do():
    found = counts(first=TODAY, last=TODAY + DAY)
    assert daily(report(found))[-1][0] == TODAY + DAY


@given(
    start=st.none() | st.dates(),
    end=st.none() | st.dates(),
    first=st.dates(date(2025, 1, 1), TODAY + 30 * DAY),
    length=st.integers(0, 400),
)
def test_every_day_of_the_shown_range_occurs_once(start, end, first, length):
    last = first + length * DAY
    days = [day for day, _ in daily(report(counts(first=first, last=last), start=start, end=end))]
    shown_from = max(start or first, first)
    shown_to = min(end or date.max, max(TODAY, last))
    expected = []
    while shown_from <= shown_to:
        expected.append(shown_from)
        shown_from += DAY
    assert days == expected


def test_a_report_says_what_was_asked_and_when_it_was_made():
    found = report(counts({"a": 1}), gender="Female")
    assert found.query.series_of == ("a",)
    assert found.filters == Filters(gender="Female")
    assert found.as_of == NOW


def limited(by_feature, limit, rest=None):
    found = Counts(
        totals={(feature,): count for feature, count in by_feature.items()},
        series={},
        first_day=None,
        last_day=None,
        rest=rest,
    )
    return build_report(Query(limit=limit), found, NOW)


def test_a_limit_keeps_the_highest_and_sums_the_others():
    top = limited({"b": 2, "a": 2, "z": 9, "c": 1}, 2)
    assert list(totals(top).items()) == [("z", 9), ("a", 2)]
    assert (top.rest, top.total) == (Rest(groups=2, value=3), 14)


def test_a_reader_may_read_only_what_the_limit_asks_for():
    top = limited({"a": 5, "b": 4}, 2, Rest(groups=7, value=10))
    assert (top.rest, top.total) == (Rest(groups=7, value=10), 19)
    assert limited({"a": 5, "b": 4, "c": 1}, 2, Rest(groups=7, value=10)).rest == Rest(groups=8, value=11)


def test_a_limit_that_leaves_nothing_out_changes_nothing():
    assert limited({"a": 1, "b": 1}, 2).rest is None
    assert limited({"a": 1, "b": 1}, None).rest is None
