"""The looks of the dashboard: screenshots for people, and rules that can be checked."""

import math
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

WIDTHS = {"wide": (1280, 800), "narrow": (360, 740)}
VARIANTS = [(scheme, width) for scheme in ("light", "dark") for width in WIDTHS]
OWN_FEATURES = [
    "date_filter",
    "age_filter",
    "gender_filter",
    "bar_chart_zoom",
    "line_chart_hover",
    "refresh_data",
    "export_data",
]
NOUNS = [
    "invoice",
    "report",
    "profile",
    "search",
    "checkout",
    "team",
    "billing",
    "calendar",
    "a_noun_of_many_words_that_never_ends",
]
VERBS = [
    "open",
    "create",
    "edit",
    "delete",
    "share",
    "archive",
    "print",
    "undo",
    "sort",
    "star",
    "comment",
    "export",
    "tag",
]
FEATURES = [
    *OWN_FEATURES,
    *(f"{noun}_{verb}" for verb in VERBS for noun in NOUNS),
    "日本語の機能",
    "ميزة",
    "😀 emoji",
    "<b>bold</b>",
][:128]
ARTIFACTS = Path(__file__).parents[2] / "artifacts" / "dashboard"
# Tomorrow: it is the last day of the charts even if midnight passes during the tests.
LAST_DAY = datetime.now(UTC) + timedelta(days=1)  # noqa: TID251


def three_years(features):
    draw = random.Random(7)  # noqa: S311
    for back in range(3 * 365):
        day = LAST_DAY - timedelta(days=back, seconds=draw.randint(0, 3600))
        busy = (1.2 + math.sin(back / 58)) * (0.4 if day.weekday() > 4 else 1) * (1.6 - back / 1095)
        for rank, feature in enumerate(features):
            for _ in range(int(draw.expovariate(1) * busy * 9 / (2 + rank))):
                yield (draw.choice(["young", "middle", "old"]), feature, day.isoformat())


@pytest.fixture(scope="module")
def seeded(server):
    users = [("young", 15, "Female"), ("middle", 30, "Other"), ("old", 64, "Male")]
    server.seed(
        users, list(three_years(FEATURES)) + [("old", name, LAST_DAY.isoformat()) for name in FEATURES]
    )


def violations(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    page.clock.resume()  # axe waits with timers
    found = axe.Axe().run(page).response["violations"]
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]


def small(route):
    report = route.fetch().json()
    bars, points = report["barChartData"][:12], report["lineChartData"][-20:]
    route.fulfill(json={"barChartData": bars, "lineChartData": points})


def check(visitor, name):
    """Take a screenshot. There must be no violation, and nothing may be wider than the window."""
    page = visitor.page
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.fixture(params=VARIANTS, ids="-".join)
def guest(request, arrive):
    scheme, width = request.param
    size = WIDTHS[width]
    visitor = arrive(color_scheme=scheme, viewport={"width": size[0], "height": size[1]})
    visitor.variant = f"{scheme}-{width}"
    return visitor


def test_the_forms(guest):
    guest.open("/login")
    check(guest, f"sign-in-{guest.variant}")
    guest.open("/register")
    guest.page.get_by_role("button", name="Create an account").click()
    check(guest, f"register-{guest.variant}")


def test_the_empty_dashboard(guest, expect):
    guest.register()
    guest.page.route(
        "**/analytics*", lambda route: route.fulfill(json={"barChartData": [], "lineChartData": []})
    )
    guest.open()
    expect(guest.page.get_by_text("No events yet. Set a filter or press Refresh")).to_be_visible()
    expect(guest.page.get_by_role("button", name="Export PNG")).to_be_disabled()
    check(guest, f"empty-{guest.variant}")


@pytest.mark.usefixtures("seeded")
def test_the_full_dashboard(guest, expect):
    page = guest.page
    guest.register()
    guest.open()
    expect(page.locator(".bar")).to_have_count(128)
    page.get_by_label("Gender", exact=True).select_option("Male")
    page.get_by_label("Age Group", exact=True).select_option("Over 40")
    guest.wait_until_idle()
    page.locator(".bar").nth(1).click()
    expect(page.locator("#line .trend")).to_be_visible()
    guest.wait_until_idle()
    check(guest, f"full-{guest.variant}")


@pytest.mark.usefixtures("seeded")
def test_the_tables_and_a_tooltip(guest):
    page = guest.page
    guest.register()
    page.route("**/analytics?*", small)  # axe is slow with many cells
    guest.open("/dashboard?feature=date_filter")
    page.locator("#bars-table summary").click()
    page.locator("#line-table summary").click()
    page.locator("#line svg").hover()
    guest.wait_until_idle()
    check(guest, f"tables-{guest.variant}")


@pytest.mark.usefixtures("seeded")
def test_axis_labels_do_not_overlap(visitor, expect):
    page = visitor.page
    visitor.open()
    visitor.bar("date_filter").click()
    visitor.wait_until_idle()
    for days in (1, 2, 9, 31, 75, 119, 200, 400, 1095):
        page.get_by_label("Start Date", exact=True).fill(
            (LAST_DAY - timedelta(days=days - 1)).strftime("%Y-%m-%d")
        )
        page.get_by_label("Start Date", exact=True).press("Enter")
        expect(page.get_by_role("slider")).to_have_attribute("aria-valuemax", str(days - 1))
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            host = page.locator("#line").bounding_box()
            expect(page.locator("#line svg")).to_have_attribute("width", f"{host['width']:.0f}")
            boxes = [label.bounding_box() for label in page.locator("#line .tick[text-anchor=middle]").all()]
            assert boxes
            assert all(a["x"] + a["width"] + 4 < b["x"] for a, b in pairwise(boxes))
            assert boxes[-1]["x"] + boxes[-1]["width"] <= host["x"] + host["width"]


@pytest.mark.usefixtures("seeded")
def test_hovering_changes_only_the_marker_however_many_days_there_are(visitor):
    page = visitor.page
    visitor.open()
    visitor.bar("date_filter").click()
    visitor.wait_until_idle()
    page.locator("#line svg").hover()  # the first time is tracked, which redraws everything
    visitor.wait_until_idle()
    assert int(page.get_by_role("slider").get_attribute("aria-valuemax")) > 1_000
    assert page.locator("#line svg *").count() < 100
    changed = page.evaluate(
        """() => {
            const line = document.querySelector("#line svg");
            const { left, top } = line.getBoundingClientRect();
            const observer = new MutationObserver(() => {});
            const all = { subtree: true, childList: true, attributes: true, characterData: true };
            observer.observe(document, all);
            for (let step = 0; step < 60; step += 1) {
                const options = { clientX: left + 60 + step * 5, clientY: top + 50, bubbles: true };
                line.dispatchEvent(new PointerEvent("pointermove", options));
            }
            const records = observer.takeRecords();
            const place = (node) => ["#line .marker", "#line .tooltip"].find((part) => node.closest(part));
            const places = records.map(({ target }) => (target === line ? "#line svg" : place(target)));
            const drawn = records.filter(({ type, target }) => type === "childList" && target === line);
            return { places: [...new Set(places)].sort(), drawn: drawn.length, each: records.length / 60 };
        }"""
    )
    assert changed["places"] == ["#line .marker", "#line .tooltip", "#line svg"]
    assert changed["drawn"] == 0
    assert changed["each"] < 20


@pytest.mark.usefixtures("seeded")
def test_filters_can_be_used_before_the_counts_are_loaded(visitor, expect):
    """benchmarks/dashboard_ready.py measures how soon that is."""
    page = visitor.page
    held = visitor.hold("**/analytics*")
    page.goto(f"{visitor.server.url}/dashboard")
    expect(page.get_by_text("Loading the counts…")).to_be_visible()
    page.get_by_label("Gender", exact=True).select_option("Male")
    expect(page.locator("#chips li")).to_contain_text("Male")
    visitor.round_trip()
    assert visitor.features_sent() == ["gender_filter"]
    assert held


@pytest.mark.usefixtures("seeded")
def test_reduced_motion_and_the_order_of_tab(visitor):
    page = visitor.page
    visitor.open()
    reached, rings = [], []
    for _ in range(18):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
        # Except for the button inside a date control, whose ring the browser draws.
        focused = "document.querySelector(':focus-visible')"
        style = f"getComputedStyle({focused}?.querySelector('.back') ?? {focused} ?? document.body)"
        rings.append(page.evaluate(f"{focused} && {style}.outlineStyle + {style}.stroke"))
    wanted = ["log-out", "refresh", "csv", "png", "start-date", "end-date", "age-group", "gender"]
    assert [name for name in dict.fromkeys(reached) if name in wanted] == wanted
    assert "nonenone" not in rings
    assert rings.count(None) <= 3
    durations = "[...document.querySelectorAll('*')].map((e) => getComputedStyle(e).transitionDuration)"
    assert set(page.evaluate(durations)) == {"0s"}
