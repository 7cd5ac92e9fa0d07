"""What is true for the picture of any report."""

from datetime import date

from vigility.charts.save import render


def test_texts_neither_overlap_nor_leave_the_page(example):
    _, picture = example
    assert picture.overlapping() == []
    assert picture.outside() == []


def test_it_has_its_title_its_filters_and_its_total(example):
    report, picture = example
    assert "Feature Usage" in picture.texts
    words = report.filters.describe()
    noun = "event" if report.total == 1 else "events"
    assert f"{words[0].upper()}{words[1:]} · {report.total:,} {noun}" in picture.texts


def test_numbers_on_the_axes_are_whole_with_separated_thousands(example):
    report, picture = example
    axes = [picture.usage.xaxis] if report.totals else []
    axes += [picture.trend.yaxis for series in report.series if series.points]
    for axis in axes:
        ticks = list(axis.get_ticklocs())
        assert ticks == [int(tick) for tick in ticks]
        assert [label.get_text() for label in axis.get_ticklabels()] == [f"{int(tick):,}" for tick in ticks]
        assert len(ticks) >= 2
        assert ticks[0] == 0


def test_each_bar_ends_before_its_count_and_the_count_before_the_edge(example):
    report, picture = example
    if report.totals:
        assert max(bar.get_width() for bar in picture.usage.patches) < picture.usage.get_xlim()[1]
        counts = {f"{total.value:,}" for total in report.totals}
        boxes = [box for text, box in picture.boxes if text in counts]
        assert boxes
        assert max(box.x1 for box in boxes) <= picture.usage.bbox.x1


def test_the_line_has_its_title_its_dates_and_room_for_its_peak(example):
    report, picture = example
    titles = [text for text in picture.texts if text.startswith("Time Trend: ")]
    assert len(titles) == len(report.series)
    for series in report.series:
        if series.points:
            assert picture.trend.get_xticklabels()
            assert picture.trend.get_ylim()[1] >= max(point.value for point in series.points)


def test_the_background_is_white(example):
    _, picture = example
    assert picture.figure.get_facecolor() == (1, 1, 1, 1)


def test_the_line_goes_through_each_day(drawn, report_of):
    counts = [i * 7 % 31 for i in range(1096)]
    line = drawn(report_of({"a": 1}, "a", counts)).trend.lines[0]
    assert list(line.get_ydata()) == counts
    assert list(line.get_xdata()) == list(range(1096))


def test_a_line_of_centuries_keeps_its_ends_and_its_peaks(drawn, report_of):
    counts = [0] * 700_001
    counts[0], counts[123_456], counts[-1] = 1, 9, 2
    report = report_of({"a": 12}, "a", counts, first=date(1, 1, 1))
    assert render(report, "png")
    line = drawn(report).trend.lines[0]
    points = dict(zip(line.get_xdata(), line.get_ydata(), strict=True))
    assert len(points) < 6_000
    assert {offset: count for offset, count in points.items() if count} == {0: 1, 123_456: 9, 700_000: 2}
