import json
import re
import time
from urllib.parse import quote, unquote

WEEK = 7 * 24 * 3600
TYPING_MS = 700  # how long after a digit the page applies a date
CHOICES = [
    ("Age Group", "Under 18", "age_filter", {"ageGroup": "<18"}),
    ("Age Group", "18 - 40", "age_filter", {"ageGroup": "18-40"}),
    ("Age Group", "Over 40", "age_filter", {"ageGroup": ">40"}),
    ("Gender", "Male", "gender_filter", {"gender": "Male"}),
    ("Gender", "Female", "gender_filter", {"gender": "Female"}),
    ("Gender", "Other", "gender_filter", {"gender": "Other"}),
]


def calls_when_idle(visitor):
    """Wait until the page is idle. Returns the calls it has made."""
    visitor.wait_until_idle()
    return visitor.calls


def open_dashboard(visitor):
    visitor.open()
    visitor.calls.clear()
    return visitor.page


def test_each_choice_is_tracked_and_then_applied(visitor, expect):
    page = open_dashboard(visitor)
    for label, choice, event, query in CHOICES:
        visitor.calls.clear()
        page.get_by_label(label, exact=True).select_option(choice)
        expect(page.locator("#chips li")).to_have_text(re.compile(choice))
        assert calls_when_idle(visitor) == [("track", event), ("analytics", query)]
        page.get_by_label(label, exact=True).select_option(index=0)
        expect(page.locator("#chips li")).to_have_count(0)
        assert calls_when_idle(visitor)[2:] == [("track", event), ("analytics", {})]


def test_charts_include_the_event_that_updated_them(visitor):
    page = open_dashboard(visitor)
    before = visitor.stored("gender_filter")
    for nth in range(1, 4):
        page.get_by_label("Gender", exact=True).select_option("Female" if nth % 2 else "All Genders")
        visitor.wait_until_idle()
        assert visitor.count("gender_filter") == before + nth


def test_a_date_typed_quickly_is_one_event(visitor, expect):
    page = open_dashboard(visitor)
    page.get_by_label("Start Date", exact=True).focus()
    for digit in "09232026":
        page.keyboard.type(digit)
        visitor.advance(TYPING_MS - 1)
    assert visitor.calls == []
    visitor.advance(1)
    expect(page.locator("#chips li")).to_contain_text("From 23 Sep 2026")
    assert calls_when_idle(visitor) == [("track", "date_filter"), ("analytics", {"startDate": "2026-09-23"})]


def test_a_date_changed_step_by_step_is_one_event(visitor, expect):
    page = open_dashboard(visitor)
    page.get_by_label("Start Date", exact=True).fill("2026-01-05")
    for _ in range(4):
        visitor.advance(TYPING_MS - 1)
        page.get_by_label("Start Date", exact=True).press("ArrowUp")  # the month, which comes first
    visitor.advance(TYPING_MS - 1)
    assert visitor.calls == []
    visitor.advance(1)
    expect(page.locator("#chips li")).to_contain_text("From 5 May 2026")
    assert calls_when_idle(visitor) == [("track", "date_filter"), ("analytics", {"startDate": "2026-05-05"})]


def test_a_date_typed_slowly_is_one_event(visitor, expect):
    page = open_dashboard(visitor)
    page.get_by_label("End Date", exact=True).focus()
    for digit in "0923202":
        page.keyboard.type(digit)
        visitor.advance(2 * TYPING_MS)
    assert visitor.calls == []
    page.keyboard.type("6")
    visitor.advance(TYPING_MS)
    expect(page.locator("#chips li")).to_contain_text("To 23 Sep 2026")
    assert calls_when_idle(visitor) == [("track", "date_filter"), ("analytics", {"endDate": "2026-09-23"})]


def test_a_year_of_one_digit_is_accepted(visitor, expect):
    page = open_dashboard(visitor)
    page.get_by_label("Start Date", exact=True).focus()
    page.keyboard.type("09232")
    page.get_by_role("heading", name="Dashboard").click()
    expect(page.locator("#chips li")).to_contain_text("From 23 Sep 2")
    assert calls_when_idle(visitor)[-1] == ("analytics", {"startDate": "0002-09-23"})
    page.reload()
    visitor.wait_until_idle()
    expect(page.get_by_label("Start Date", exact=True)).to_have_value("0002-09-23")
    expect(page.locator(".bar").first).to_be_visible()


def test_enter_applies_a_date_at_once(visitor, expect):
    page = open_dashboard(visitor)
    page.get_by_label("Start Date", exact=True).fill("2026-01-05")
    page.get_by_label("Start Date", exact=True).press("Enter")  # without time passing
    expect(page.locator("#chips li")).to_contain_text("From 5 Jan 2026")


def test_chips_remove_filters_and_reset_all_removes_all(visitor, expect):
    page = open_dashboard(visitor)
    page.get_by_label("Age Group", exact=True).select_option("Over 40")
    page.get_by_label("Gender", exact=True).select_option("Male")
    page.get_by_label("Start Date", exact=True).fill("2026-01-05")
    page.get_by_label("End Date", exact=True).fill("2026-02-05")
    visitor.advance(TYPING_MS)
    chips = page.locator("#chips li")
    expect(chips).to_have_text([re.compile(t) for t in ("5 Jan 2026", "5 Feb 2026", "Over 40", "Male")])
    visitor.wait_until_idle()
    visitor.calls.clear()
    page.get_by_role("button", name="Remove filter Over 40").click()
    expect(chips).to_have_count(3)
    expect(page.get_by_label("Age Group", exact=True)).to_have_value("")
    remaining = {"startDate": "2026-01-05", "endDate": "2026-02-05", "gender": "Male"}
    assert calls_when_idle(visitor) == [("track", "age_filter"), ("analytics", remaining)]
    expect(chips.locator("button").first).to_be_focused()
    visitor.calls.clear()
    page.get_by_role("button", name="Reset All").click()
    expect(chips).to_have_count(0)
    expect(page.get_by_label("Start Date", exact=True)).to_have_value("")
    assert calls_when_idle(visitor) == [
        ("track", "date_filter"),
        ("track", "gender_filter"),
        ("analytics", {}),
    ]
    page.get_by_role("button", name="Reset All").click()
    assert len(calls_when_idle(visitor)) == 3  # nothing was left to reset


def test_filters_are_kept_for_a_week_and_deleted_on_log_out(visitor, expect):
    page = open_dashboard(visitor)
    user = page.request.get(f"{visitor.server.url}/me").json()["user"]
    page.get_by_label("Age Group", exact=True).select_option("Under 18")
    page.get_by_label("Start Date", exact=True).fill("2026-03-01")
    began = time.time()
    visitor.advance(TYPING_MS)
    expect(page.locator("#chips li")).to_have_count(2)
    visitor.wait_until_idle()
    cookie = next(c for c in page.context.cookies() if c["name"].startswith("vigility_filters"))
    assert cookie["name"] == f"vigility_filters_{user['id']}"
    assert began + WEEK - 1 <= cookie["expires"] <= time.time() + WEEK + 1
    kept = json.loads(unquote(cookie["value"]))
    assert kept == {"startDate": "2026-03-01", "endDate": "", "ageGroup": "<18", "gender": ""}
    visitor.calls.clear()
    page.reload()
    visitor.wait_until_idle()
    expect(page.get_by_label("Age Group", exact=True)).to_have_value("<18")
    expect(page.get_by_label("Start Date", exact=True)).to_have_value("2026-03-01")
    expect(page.locator("#chips li")).to_have_count(2)
    assert visitor.calls == [("analytics", {"startDate": "2026-03-01", "ageGroup": "<18"})]
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert [c["name"] for c in page.context.cookies()] == []


def test_a_date_is_kept_if_the_page_is_left_at_once(visitor, expect):
    page = open_dashboard(visitor)
    before = visitor.stored("date_filter")
    page.get_by_label("Start Date", exact=True).fill("2026-03-01")
    page.reload()
    visitor.wait_until_idle()
    expect(page.locator("#chips li")).to_contain_text("From 1 Mar 2026")
    expect(page.locator("#late")).to_be_empty()
    assert visitor.stored("date_filter") == before + 1


def test_an_invalid_cookie_filters_nothing(visitor, expect):
    user = visitor.page.request.get(f"{visitor.server.url}/me").json()["user"]
    strange = '{"ageGroup":"constructor","gender":["Male"],"startDate":"2026-02-30","endDate":["2026-01-01"]}'
    for value in ("garbage", "%7B", "%E0%A4", "null", "[1]", quote(strange)):
        cookie = {"name": f"vigility_filters_{user['id']}", "value": value, "url": visitor.server.url}
        visitor.page.context.add_cookies([cookie])
        visitor.calls.clear()
        visitor.open()
        expect(visitor.page.locator("#chips li")).to_have_count(0)
        assert visitor.calls == [("analytics", {})]


def test_a_start_after_the_end_shows_a_warning_and_no_bars(visitor, expect):
    page = open_dashboard(visitor)
    page.get_by_label("End Date", exact=True).fill("2026-01-01")
    page.get_by_label("Start Date", exact=True).fill("2026-02-01")
    visitor.advance(TYPING_MS)
    expect(page.get_by_text("Start Date is after End Date")).to_be_visible()
    expect(page.get_by_text("No events under these filters.")).to_be_visible()
    expect(page.get_by_label("Start Date", exact=True)).to_have_accessible_description(
        re.compile("no day lies between")
    )
    page.get_by_role("button", name="Remove them").click()
    expect(page.get_by_text("Start Date is after End Date")).to_be_hidden()
    expect(page.locator(".bar").first).to_be_visible()
