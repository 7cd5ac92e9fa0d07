"""The panel "Time Trend" and the dates of its axis."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigility.charts.days import labelled_days


def dates_of(picture):
    return [label.get_text().strip() for label in picture.trend.get_xticklabels()]


def test_a_single_day_is_a_visible_point(drawn, report_of):
    picture = drawn(report_of({"a": 12}, "a", [12]))
    line = picture.trend.lines[0]
    assert line.get_marker() == "o"
    assert list(line.get_ydata()) == [12]
    left, right = picture.trend.get_xlim()
    assert left < 0 < right
    assert dates_of(picture) == ["25 Aug\n2026"]
    assert "12 events in 1 day (UTC), on 25 Aug 2026" in picture.texts


def test_the_subtitle_has_the_number_of_events_the_days_and_the_busiest_day(drawn, report_of):
    texts = drawn(report_of({"a": 1}, "a", [5, 1200, 0])).texts
    assert (
        "1,205 events in 3 days (UTC), 25 Aug 2026 to 27 Aug 2026 · busiest on 26 Aug 2026 with 1,200"
        in texts
    )


def test_days_without_events_are_a_line_at_zero(drawn, report_of):
    picture = drawn(report_of({"b": 1}, "a", [0, 0, 0]))
    assert list(picture.trend.lines[0].get_ydata()) == [0, 0, 0]
    assert "0 events in 3 days (UTC), 25 Aug 2026 to 27 Aug 2026" in picture.texts
    assert picture.trend.get_ylim() == (0, 1)


def test_a_feature_without_days_gets_no_axes_but_a_reason(drawn, report_of):
    picture = drawn(report_of({"a": 12}, "A"))
    assert "Time Trend: A" in picture.texts
    assert "No days to show for this feature" in picture.texts
    assert len(picture.figure.axes) == 1


def test_no_line_without_a_chosen_feature(drawn, report_of):
    assert len(drawn(report_of({"a": 12})).figure.axes) == 1


@pytest.mark.parametrize(
    ("days", "first_labels"),
    [
        (7, ["25 Aug\n2026", "26 Aug", "27 Aug"]),
        (90, ["31 Aug\n2026", "7 Sep", "14 Sep"]),  # Mondays
        (365, ["Sep\n2026", "Oct", "Nov", "Dec", "Jan\n2027"]),
        (1096, ["Oct\n2026", "Jan\n2027", "Apr"]),
        (20_000, ["2030", "2035", "2040"]),
    ],
)
def test_dates_have_round_steps_and_name_each_year_once(drawn, report_of, days, first_labels):
    labels = dates_of(drawn(report_of({"a": 1}, "a", [1] * days)))
    assert labels[: len(first_labels)] == first_labels


@given(
    st.dates(),
    st.one_of(st.integers(0, 60), st.integers(0, 4_000), st.integers(0, 3_652_058)),
    st.integers(6, 20),
)
def test_labelled_days_lie_in_the_range_are_enough_and_not_too_many(first, span, fitting):
    last = first + timedelta(days=min(span, (date.max - first).days))
    labels = labelled_days(first, last, lambda _: fitting)
    days = list(labels)
    assert days == sorted(days)
    assert first <= days[0]
    assert days[-1] <= last
    assert 1 <= len(days) <= fitting + 1
    gaps = {(after - before).days for before, after in pairwise(days)}
    assert not gaps or max(gaps) <= 1.1 * min(gaps) + 3


def test_without_room_one_year_is_labelled():
    assert labelled_days(date.min, date.max, lambda _: 0) == {date.min: "1"}
