from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import pytest

from vigility import Filters, Point, Query, Report, Series, Total
from vigility.charts.picture import draw
from vigility.charts.save import drawing

FIRST_DAY = date(2026, 8, 25)
AS_OF = datetime(2026, 11, 22, tzinfo=UTC)


def make_report(counts=None, feature=None, days=(), first=FIRST_DAY, **filters):
    ranked = sorted((counts or {}).items(), key=lambda item: (-item[1], item[0]))
    points = tuple(Point(first + timedelta(days=offset), count) for offset, count in enumerate(days))
    return Report(
        query=Query(filters=Filters(**filters)),
        totals=tuple(Total("events", (name,), count) for name, count in ranked),
        series=() if feature is None else (Series("events", (feature,), points),),
        as_of=AS_OF,
    )


@dataclass
class Drawn:
    """A drawn picture after its layout: every text with its rectangle."""

    figure: object
    texts: list
    boxes: list

    @property
    def usage(self):
        return self.figure.axes[0]

    @property
    def trend(self):
        return self.figure.axes[-1]

    @property
    def bars(self):
        return {
            label.get_text(): bar
            for label, bar in zip(self.usage.get_yticklabels(), self.usage.patches, strict=True)
        }

    def overlapping(self):
        return [(one, other) for (one, a), (other, b) in combinations(self.boxes, 2) if a.overlaps(b)]

    def outside(self):
        page = self.figure.bbox
        return [
            text
            for text, box in self.boxes
            if box.x0 < page.x0 or box.y0 < page.y0 or box.x1 > page.x1 or box.y1 > page.y1
        ]


def look_at(report):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    with drawing(report):
        figure = draw(report)
        canvas = FigureCanvasAgg(figure)
        figure.draw_without_rendering()
        shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
        boxes = [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in shown]
    return Drawn(figure, [text.get_text().strip() for text in shown], boxes)


@pytest.fixture
def drawn() -> Callable[[Report], Drawn]:
    return look_at


@pytest.fixture(scope="session")
def report_of():
    return make_report


LONG = "a_rather_long_feature_name_of_a_module_that_goes_on_until_it_has_all_of_its_hundred_characters_"

REPORTS = {
    "empty": make_report(),
    "empty under filters": make_report(gender="Female", start="2026-01-01"),
    "empty with a line of zeros": make_report({}, "date_filter", [0] * 30, gender="Female"),
    "one feature": make_report({"date_filter": 12}),
    "seven features, 90 days": make_report(
        {f"feature_{i}": 1300 // (i + 1) for i in range(7)},
        "feature_0",
        [i * 7 % 31 for i in range(90)],
        gender="Female",
        age_group="18-40",
        start="2026-08-25",
        end="2026-11-22",
    ),
    "128 features": make_report({f"feature_{i:03}": 9000 // (i + 1) for i in range(128)}),
    "128 features, one of the rest chosen": make_report(
        {f"feature_{i:03}": 9000 // (i + 1) for i in range(128)}, "feature_100", [3] * 14
    ),
    "long names": make_report(
        {LONG + "one": 500, LONG + "two": 400, "W" * 100: 300, "x": 1}, "W" * 100, [5] * 60
    ),
    "a name that is not installed in the fonts": make_report(
        {"特徴フィルター": 3, "หมวด": 2}, "特徴フィルター", [3]
    ),
    "three years": make_report({"a": 9}, "a", [i * 7 % 31 for i in range(1096)], first=date(2024, 1, 15)),
    "three years of large counts": make_report({"a": 10**9}, "a", [10**9 - i for i in range(1096)]),
    "one day": make_report({"a": 12, "b": 3}, "a", [12]),
    "two days": make_report({"a": 12, "b": 3}, "a", [12, 0]),
    "14 days": make_report({"a": 12, "b": 3}, "a", range(14)),
    "never tracked": make_report({"a": 12, "b": 3}, "A"),
    "0 and 1": make_report({"a": 1, "b": 1}, "a", [0, 1, 0]),
    "only zeros": make_report({"b": 1}, "a", [0, 0, 0]),
    "large counts": make_report({"a": 3 * 10**9, "b": 10**9, "c": 1}, "b", [10**9, 0, 10**8]),
    "counts at the edge of floats": make_report(
        {f"f{i}": 10**15 + i for i in range(20)}, "f3", [10**15] * 365
    ),
    "one event with a wrong year": make_report({"a": 2}, "a", [1, *[0] * 700_000, 1], first=date(1, 1, 1)),
}


@pytest.fixture(scope="session", params=REPORTS)
def example(request):
    """A report and its picture."""
    report = REPORTS[request.param]
    return report, look_at(report)
