from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vigility import Filters
from vigility.core.reports.report import Counts, build_report

TODAY = date(2026, 3, 10)
DAY = timedelta(days=1)


def counts(by_feature=None, by_day=None, first=None, last=None, *, known=True):
    return Counts(
        by_feature=by_feature or {}, by_day=by_day or {}, first_day=first, last_day=last, feature_known=known
    )


def test_features_are_ordered_by_count_then_by_name():
    report = build_report(Filters(), None, counts({"b": 2, "a": 2, "B": 2, "z": 9}), TODAY)
    assert [(bar.feature, bar.count) for bar in report.features] == [("z", 9), ("B", 2), ("a", 2), ("b", 2)]
    assert report.total == 15


def test_without_a_feature_there_are_no_days():
    assert build_report(Filters(), None, counts({"a": 1}, known=False), TODAY).days == ()


def test_days_without_events_are_there_with_zero():
    found = counts(by_day={TODAY - 3 * DAY: 5}, first=TODAY - 4 * DAY, last=TODAY - 2 * DAY)
    days = build_report(Filters(), "a", found, TODAY).days
    assert [(day.day, day.count) for day in days] == [
        (TODAY - 4 * DAY, 0),
        (TODAY - 3 * DAY, 5),
        (TODAY - 2 * DAY, 0),
        (TODAY - DAY, 0),
        (TODAY, 0),
    ]


def test_days_reach_past_today_where_events_do():
    found = counts(first=TODAY, last=TODAY + DAY)
    assert build_report(Filters(), "a", found, TODAY).days[-1].day == TODAY + DAY


@given(
    start=st.none() | st.dates(),
    end=st.none() | st.dates(),
    first=st.dates(date(2025, 1, 1), TODAY + 30 * DAY),
    length=st.integers(0, 400),
)
def test_days_are_the_shown_range_and_each_once(start, end, first, length):
    last = first + length * DAY
    days = [d.day for d in build_report(Filters(start, end), "a", counts(first=first, last=last), TODAY).days]
    shown_from = max(start or first, first)
    shown_to = min(end or date.max, max(TODAY, last))
    expected = []
    while shown_from <= shown_to:
        expected.append(shown_from)
        shown_from += DAY
    assert days == expected


def test_the_answer_has_the_two_lists_of_the_contract():
    report = build_report(Filters(), "a", counts({"a": 1}, {TODAY: 1}, TODAY, TODAY), TODAY)
    assert report.to_dict() == {
        "barChartData": [{"feature": "a", "count": 1}],
        "lineChartData": [{"date": "2026-03-10", "count": 1}],
    }
