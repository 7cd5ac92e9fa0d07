"""Results at different widths and in limited encodings."""

import io
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from vigility import Point, Query, Report, Series, Total
from vigility.cli.rendering.bars import bar
from vigility.cli.rendering.days import FEW_DAYS, day_view, group_days
from vigility.cli.rendering.report import report_view, share

FIRST = date(2024, 2, 28)
AS_OF = datetime(2024, 2, 28, tzinfo=UTC)

names = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=100).filter(
    lambda name: name == name.strip()
)
counts = st.one_of(st.integers(0, 20), st.integers(0, 10**9))
series = st.lists(counts, min_size=1, max_size=1_200).map(
    lambda values: [Point(FIRST + timedelta(days=n), value) for n, value in enumerate(values)]
)


def drawn(*parts, width, encoding="utf-8"):
    """The lines that a terminal of this width and encoding gets, without trailing spaces."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace", newline="")
    console = Console(file=stream, width=width, markup=False, emoji=False, highlight=False, color_system=None)
    console.print(*parts, sep="\n")
    stream.flush()
    return [line.rstrip() for line in stream.buffer.getvalue().decode(encoding).split("\n")]


def report(features, points=(), feature=None):
    ranked = sorted(features, key=lambda one: -one[1])
    chosen = () if feature is None else (feature,)
    return Report(
        query=Query(series_of=chosen),
        totals=tuple(Total("events", (name,), count) for name, count in ranked),
        series=tuple(Series("events", (name,), tuple(points)) for name in chosen),
        as_of=AS_OF,
    )


@pytest.mark.parametrize("width", [60, 120])
@pytest.mark.parametrize(
    "name",
    [
        "[red]x[/red]",
        "[/]",
        ":smile:",
        "a" * 100,
        "表計算をエクスポート" * 10,
        "👩‍👩‍👧" * 20,
        "https://example.org/" + "x" * 60,
        "many words " * 8 + "here",
    ],
    ids=["markup", "closing markup", "emoji code", "long", "wide", "joined emoji", "address", "words"],
)
def test_any_name_is_shown_completely_and_within_the_width(width, name):
    shown = drawn(*report_view(report([(name, 1_234_567), ("other", 1)])), width=width)
    table = shown[4:-3]
    assert all(cell_len(line) <= width for line in shown)
    room = shown[2].index("Events") - 3
    cells = "".join(cut(line, room) for line in table)
    assert name.replace(" ", "") in cells.replace(" ", "")
    assert sum("1,234,567" in line for line in table) == 1


def cut(line, cells):
    """The beginning of a line that fills this many cells of a terminal."""
    end = len(line)
    while cell_len(line[:end]) > cells:
        end -= 1
    return line[:end]


@pytest.mark.parametrize("width", [20, 30, 43])
def test_without_room_for_bars_names_and_counts_are_complete(width):
    days = [Point(FIRST + timedelta(days=n), 12_345) for n in range(3)]
    shown = drawn(*report_view(report([("date_filter", 12_345), ("x", 1)], days, "date_filter")), width=width)
    assert all(cell_len(line) <= width for line in shown)
    heading = next(index for index, line in enumerate(shown) if line.startswith("Feature"))
    names_shown = "".join(line.split()[0] for line in shown[heading + 2 : heading + 4])
    assert names_shown in {"date_filter", "date_filterx"}
    assert shown[heading + 2].endswith(" 12,345")
    below = next(index for index, line in enumerate(shown) if line.startswith("Day ")) + 2
    assert [line.split() for line in shown[below : below + 3]] == [
        [str(entry.start), "12,345"] for entry in days
    ]


def test_a_name_cannot_reverse_the_direction_of_the_counts():
    shown = drawn(*report_view(report([("evil\u202e \u2066name", 1234)])), width=80)
    assert any("evil\\u202e \\u2066name" in line for line in shown)


@given(
    st.lists(st.tuples(names, st.integers(1, 10**9)), min_size=1, max_size=20), st.sampled_from([60, 80, 120])
)
def test_no_line_is_wider_than_the_terminal(features, width):
    shown = drawn(*report_view(report(features)), width=width)
    assert all(cell_len(line) <= width for line in shown)


@pytest.mark.parametrize("width", [60, 120])
def test_128_features_have_a_line_each(width):
    shown = drawn(*report_view(report([(f"feature_{n:03d}", 200 - n) for n in range(128)])), width=width)
    assert [line.split()[0] for line in shown[4:132]] == [f"feature_{n:03d}" for n in range(128)]
    assert shown[133] == f"{sum(200 - n for n in range(128)):,} events of 128 features"


def test_an_ascii_terminal_gets_only_ascii(capsys):
    days = [Point(FIRST + timedelta(days=n), n % 7) for n in range(90)]
    shown = drawn(*report_view(report([("x", 3), ("y", 1)], days, "x")), width=80, encoding="ascii")
    text = "\n".join(shown)
    assert text.isascii()
    assert "\\u" not in text
    assert "####" in text
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("part", "shown"), [(0, "0.0 %"), (1, "< 0.1 %"), (5, "0.1 %"), (2_500, "25.0 %"), (10_000, "100.0 %")]
)
def test_shares(part, shown):
    assert share(part, 10_000) == shown


@given(st.floats(0, 1), st.integers(1, 200), st.booleans())
def test_a_bar_stays_within_its_width_and_any_share_is_visible(part, width, ascii_only):
    drawn_bar = bar(part, width, ascii_only=ascii_only)
    assert len(drawn_bar) <= width
    assert bool(drawn_bar) == (part > 0)
    assert len(bar(1, width, ascii_only=ascii_only)) == width


@given(series, st.integers(1, 150))
def test_grouping_keeps_all_days_and_their_order(days, most):
    size, columns = group_days(days, most)
    assert len(columns) <= most
    assert sum(column.events for column in columns) == sum(day.value for day in days)
    assert columns[0].first == days[0].start
    firsts = [column.first for column in columns]
    assert all((later - earlier).days <= size for earlier, later in pairwise(firsts))
    assert all((later - earlier).days == size for earlier, later in pairwise(firsts[1:]))
    assert (days[-1].start - firsts[-1]).days + 1 == min(size, len(days))


@given(series, st.integers(20, 200))
@example([Point(FIRST + timedelta(days=n), 10**12) for n in range(700_000)], 60)
def test_days_fit_any_width(days, width):
    shown = drawn(day_view(days), width=width)
    assert all(cell_len(line) <= max(width, 40) for line in shown)


def test_few_days_have_a_line_each_and_more_have_columns():
    days = [Point(FIRST + timedelta(days=n), n) for n in range(FEW_DAYS + 1)]
    shown = drawn(day_view(days[:-1]), width=60)
    assert [line.split()[0] for line in shown if line.startswith("2024")] == [
        str(day.start) for day in days[:-1]
    ]
    assert not any(line.startswith("2024") for line in drawn(day_view(days), width=60))


@pytest.mark.parametrize(
    ("length", "width", "note"),
    [
        (90, 60, "Each column is 7 days, the first 6."),
        (90, 120, None),
        (1_096, 120, "Each column is 14 days, the first 4."),
        (1_096, 60, "Each column is 28 days, the first 4."),
    ],
)
def test_months_and_years_fit_by_weeks(length, width, note):
    days = [Point(FIRST + timedelta(days=n), n % 5) for n in range(length)]
    shown = drawn(day_view(days), width=width)
    notes = [line for line in shown if line.startswith("Each column")]
    assert notes == ([note] if note else [])


def test_the_chart_has_its_peak_its_zero_and_separate_dates():
    days = [Point(FIRST + timedelta(days=n), n) for n in range(90)]
    shown = [line for line in drawn(day_view(days), width=120) if line]
    assert shown[0].split()[0] == "89"
    assert shown[0].endswith("█")
    assert shown[8].split()[0] == "0"
    dates = shown[9].split()
    assert (dates[0], dates[-1]) == ("2024-02-28", "2024-05-27")
    assert all(len(shown_date) == 10 for shown_date in dates)
    assert len(dates) > 4


def test_a_day_with_events_is_always_visible():
    days = [Point(FIRST + timedelta(days=n), 1 if n == 3 else 100_000) for n in range(20)]
    lowest = drawn(day_view(days), width=60)[7]
    assert "▁" in lowest
