import csv
import io
import re
import struct
from datetime import UTC, datetime, timedelta

import pytest

HOSTILE = '<img src=x onerror="document.title=1">'
FORMULA = '=HYPERLINK("//x","a, b")'
# Tomorrow: it is the last day of the charts even if midnight passes during the tests.
LAST_DAY = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=1, microsecond=0)  # noqa: TID251


@pytest.fixture(scope="module", autouse=True)
def events(server):
    users = [("young", 15, "Female"), ("old", 64, "Male")]
    days = [(LAST_DAY - timedelta(days=back)).isoformat() for back in range(40)]
    events = [("young", "search", day) for day in days for _ in range(10)]
    events += [("old", "search", days[0])] * 5 + [("old", "invoice", days[3])] * 200
    events += [("young", HOSTILE, days[1])] * 90 + [("young", FORMULA, days[1])] * 80
    server.seed(users, events)


@pytest.fixture
def page(visitor):
    visitor.open()
    visitor.calls.clear()
    return visitor.page


def test_bars_are_ordered_and_proportional(page, visitor):
    names = [bar.get_attribute("aria-label") for bar in page.locator(".bar").all()]
    assert names[:4] == [
        "search: 405 events",
        "invoice: 200 events",
        f"{HOSTILE}: 90 events",
        f"{FORMULA}: 80 events",
    ]
    lengths = [float(bar.get_attribute("width")) for bar in page.locator(".bar .length").all()]
    assert lengths[1] / lengths[0] == pytest.approx(200 / 405)
    assert visitor.count("search") == 405


def test_a_click_on_a_bar_selects_it_and_shows_its_days(page, visitor, expect):
    expect(page.get_by_text("Choose a bar in Feature Usage to see its days.")).to_be_visible()
    before = visitor.stored("bar_chart_zoom")
    visitor.bar("search").click()
    expect(visitor.bar("search")).to_have_attribute("aria-selected", "true")
    expect(page.locator("[aria-selected=true]")).to_have_count(1)
    expect(page.get_by_role("slider", name="Events of search per day")).to_be_visible()
    visitor.wait_until_idle()
    assert visitor.calls == [("track", "bar_chart_zoom"), ("analytics", {"feature": "search"})]
    assert visitor.count("bar_chart_zoom") == before + 1
    expect(page.locator("#line-about")).to_contain_text("405 events")
    page.reload()
    visitor.wait_until_idle()
    expect(visitor.bar("search")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("slider", name="Events of search per day")).to_be_visible()
    assert len(visitor.calls) == 3  # the reload fetched and tracked nothing
    page.get_by_role("button", name="Close search").click()
    expect(page.locator("[aria-selected=true]")).to_have_count(0)
    expect(page.get_by_text("Choose a bar")).to_be_visible()


def test_bars_can_be_selected_with_the_keyboard(page, visitor, expect):
    page.get_by_role("button", name="Reset All").focus()
    page.keyboard.press("Tab")
    expect(visitor.bar("search")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(visitor.bar("invoice")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(visitor.bar("invoice")).to_be_focused()  # the chart is one stop of Tab, at the last bar
    expect(page.locator("#bars .tooltip")).to_contain_text("200 events")
    page.keyboard.press("Escape")
    expect(page.locator("#bars .tooltip")).to_be_hidden()
    page.keyboard.press("End")
    expect(page.locator(".bar").last).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(visitor.bar("invoice")).to_have_attribute("aria-selected", "true")
    visitor.wait_until_idle()
    expect(visitor.bar("invoice")).to_be_focused()  # also after the redraw
    assert visitor.features_sent() == ["bar_chart_zoom"]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    expect(visitor.bar("search")).to_have_attribute("aria-selected", "true")


def test_hovering_shows_the_day_and_is_tracked_once_per_feature(page, visitor, expect):
    visitor.bar("search").click()
    visitor.wait_until_idle()
    line = page.get_by_role("slider")
    tooltip = page.locator("#line .tooltip")
    box = line.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 16, box["y"] + 100)
    expect(tooltip).to_contain_text("15 events")
    expect(tooltip).to_contain_text(LAST_DAY.strftime("%a ") + f"{LAST_DAY.day} ")
    visitor.wait_until_idle()
    page.mouse.move(box["x"] + 60, box["y"] + 100)
    expect(tooltip).to_contain_text("10 events")
    page.mouse.move(5, 5)
    expect(tooltip).to_be_hidden()
    line.hover()
    visitor.bar("invoice").click()
    visitor.wait_until_idle()
    line.hover()
    visitor.wait_until_idle()
    visitor.bar("search").click()
    visitor.wait_until_idle()
    line.hover()
    visitor.wait_until_idle()
    zoom, hover = "bar_chart_zoom", "line_chart_hover"
    assert visitor.features_sent() == [zoom, hover, zoom, hover, zoom]
    assert visitor.calls[3] == ("analytics", {"feature": "search"})


def test_days_can_be_read_with_the_keyboard(page, visitor, expect):
    visitor.bar("search").click()
    visitor.wait_until_idle()
    line = page.get_by_role("slider")
    line.focus()
    page.keyboard.press("End")
    expect(line).to_have_attribute("aria-valuetext", re.compile("15 events$"))
    page.keyboard.press("ArrowLeft")
    day_before = LAST_DAY - timedelta(days=1)
    expect(line).to_have_attribute(
        "aria-valuetext", re.compile(rf"{day_before.day} \w+ {day_before.year}: 10 events$")
    )
    expect(page.locator("#line .tooltip")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#line .tooltip")).to_be_hidden()
    visitor.wait_until_idle()
    assert visitor.features_sent() == ["bar_chart_zoom", "line_chart_hover"]


def test_tooltips_of_bars_show_the_share(page, visitor, expect):
    visitor.bar("invoice").hover()
    expect(page.locator("#bars .tooltip")).to_have_text(re.compile(r"^invoice200 events, \d\d\.\d % of all$"))
    page.mouse.move(5, 5)
    expect(page.locator("#bars .tooltip")).to_be_hidden()


def test_names_are_shown_as_text(page, visitor, expect):
    page.locator(".bar", has_text="<img").click()
    expect(page.get_by_role("button", name=f"Close {HOSTILE}")).to_be_visible()
    page.locator("#bars-table summary").click()
    expect(page.get_by_role("rowheader", name=HOSTILE)).to_be_visible()
    visitor.wait_until_idle()
    assert page.locator("main img").count() == 0
    assert page.title() == "Dashboard · vigility"


def test_each_chart_can_be_shown_as_a_table(page, visitor, expect):
    visitor.bar("search").click()
    visitor.wait_until_idle()
    page.locator("#bars-table summary").click()
    page.locator("#line-table summary").click()
    bars = page.get_by_role("table", name="Feature Usage")
    expect(bars.get_by_role("row", name="search 405")).to_be_visible()
    line = page.get_by_role("table", name="Time Trend of search")
    expect(line.get_by_role("row")).to_have_count(41)
    expect(line.get_by_role("row").last).to_have_text(f"{LAST_DAY:%Y-%m-%d}15")
    count = visitor.stored("refresh_data") + 1
    page.get_by_role("button", name="Refresh").click()
    expect(bars.get_by_role("row", name=f"refresh_data {count}")).to_be_attached()  # an open table is updated


def test_refresh_is_tracked_and_shown(page, visitor):
    before = visitor.stored("refresh_data")
    page.get_by_role("button", name="Refresh").click()
    visitor.wait_until_idle()
    assert visitor.calls == [("track", "refresh_data"), ("analytics", {})]
    assert visitor.count("refresh_data") == before + 1


def test_the_csv_contains_what_is_shown_and_no_formula(page, visitor):
    page.get_by_label("Age Group", exact=True).select_option("Under 18")
    visitor.wait_until_idle()
    visitor.bar("search").click()
    visitor.wait_until_idle()
    shown = page.locator(".bar").count()
    with page.expect_download() as started:
        page.get_by_role("button", name="Export CSV").click()
    assert started.value.suggested_filename == "vigility-Under-18-search.csv"
    text = started.value.path().read_bytes().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["chart", "feature", "date", "count"]
    assert rows[1] == ["Feature Usage", "search", "", "400"]
    assert rows[3] == ["Feature Usage", f"'{FORMULA}", "", "80"]
    assert rows[-1] == ["Time Trend", "search", f"{LAST_DAY:%Y-%m-%d}", "10"]
    assert len(rows) == 1 + shown + 40
    visitor.wait_until_idle()
    assert visitor.features_sent()[-1] == "export_data"
    assert visitor.calls[-1][0] == "analytics"


def test_the_png_is_a_picture_of_both_charts(page, visitor):
    visitor.bar("invoice").click()
    visitor.wait_until_idle()
    with page.expect_download() as started:
        page.get_by_role("button", name="Export PNG").click()
    assert started.value.suggested_filename == "vigility-All-users-all-days-invoice.png"
    picture = started.value.path().read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    assert width > 1000
    assert height > 1000
    assert len(picture) > 15_000  # not blank
    visitor.wait_until_idle()
    assert visitor.features_sent()[-1] == "export_data"


def test_charts_adapt_to_the_width(page, visitor, expect):
    visitor.bar("search").click()
    visitor.wait_until_idle()
    for width in (1280, 900, 360):
        page.set_viewport_size({"width": width, "height": 800})
        host = page.locator("#line").bounding_box()["width"]
        expect(page.locator("#line svg")).to_have_attribute("width", f"{host:.0f}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
