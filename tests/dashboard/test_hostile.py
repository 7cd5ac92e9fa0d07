"""Manipulated cookies, malicious names and quick clicks do not break the dashboard."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

import vigility
from support.installations import queue_of
from vigility.core.events.model import EventRecord
from vigility.core.times import to_micros

LONGEST = "W" * 100
NAMES = [
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "a;=1+1",
    "=cmd|'/c calc'!A0",
    "ميزة تجريبية",
    LONGEST,
]
OLD_NAMES = ["\u202egnp.exe", "\ufffe not a character"]
"""Refused today; an older version may have stored them."""


def set_cookie(visitor, name, value):
    text = value if isinstance(value, str) else json.dumps(value)
    visitor.page.context.add_cookies([{"name": name, "value": quote(text), "url": visitor.server.url}])


@pytest.fixture(scope="module")
def hostile(server):
    server.seed([("mallory", 30, "Other")], [("mallory", name, "2026-03-01T00:00:00Z") for name in NAMES])
    at = to_micros(datetime(2026, 3, 1, tzinfo=UTC))
    with vigility.connect(server.database) as v:
        mallory = v.users.get("mallory")
        queue_of(v).add([EventRecord(mallory.id, name, at, 30, "Other") for name in OLD_NAMES])


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "%",
        "null",
        [],
        5,
        {"startDate": "2026-02-30", "endDate": "0000-01-01"},
        {"ageGroup": "__proto__", "gender": "constructor"},
        {"ageGroup": ["<18"], "gender": ["Male"], "startDate": {}, "endDate": list("2026-01-01")},
        {"gender": "<img src=x onerror=alert(1)>", "unknown": "x"},
    ],
    ids=str,
)
def test_a_manipulated_filter_cookie_only_loses_filters(visitor, expect, kept):
    user = visitor.page.request.get(f"{visitor.server.url}/me").json()["user"]
    set_cookie(visitor, f"vigility_filters_{user['id']}", kept)
    visitor.open()
    expect(visitor.page.get_by_label("Gender", exact=True)).to_have_value("")
    assert visitor.sent == []
    for _, query in visitor.calls:
        assert set(query.items()) <= {("ageGroup", "<18")}


def test_the_server_decides_who_is_signed_in_not_the_readable_cookie(visitor, expect):
    set_cookie(visitor, "user_data", {"id": 10**6, "username": "root", "age": 1, "gender": "Other"})
    visitor.open()
    expect(visitor.page.locator("#user-name")).to_have_text(visitor.name)
    visitor.page.get_by_role("button", name="Refresh").click()
    visitor.wait_until_idle()
    assert visitor.features_sent() == ["refresh_data"]


@pytest.mark.parametrize("value", ["5", "[]", '{"id": 1}', '{"id": "1", "username": "root"}', "{"])
def test_an_invalid_readable_cookie_leads_to_sign_in(visitor, expect, value):
    set_cookie(visitor, "user_data", value)
    visitor.open()
    expect(visitor.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_readable_cookie_without_a_session_leads_to_sign_in(visitor, expect):
    visitor.expected = ["401 (Unauthorized)"]
    visitor.page.context.clear_cookies(name="auth_token")
    visitor.open("/dashboard?feature=refresh_data")
    expect(visitor.page.get_by_text("Your session has ended.")).to_be_visible()
    assert visitor.page.evaluate("document.cookie") == ""


@pytest.mark.usefixtures("hostile")
def test_malicious_names_are_shown_as_text(visitor, expect):
    page = visitor.page
    visitor.open(f"/dashboard?feature={quote(NAMES[0])}")
    for name in (*NAMES, *OLD_NAMES):
        bar = page.get_by_role("option", name=f"{name}: 1 event", exact=True)
        bar.click()
        visitor.wait_until_idle()
        expect(page.locator("#close-line .cut")).to_have_text(name)
        expect(page.get_by_role("slider")).to_be_visible()
    assert page.locator("main img, main [onload]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.usefixtures("hostile")
def test_malicious_names_in_exported_files(visitor):
    page = visitor.page
    visitor.open(f"/dashboard?feature={quote(LONGEST)}")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Export CSV").click()
    text = Path(downloading.value.path()).read_bytes().decode("utf-8-sig")
    names = {row[1] for row in csv.reader(io.StringIO(text, newline=""))}
    assert {"'=cmd|'/c calc'!A0", "a;'=1+1", "\u202egnp.exe", NAMES[0]} <= names
    assert not [cell for line in text.splitlines() for cell in re.split("[,;]", line) if cell[:1] == "="]
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Export PNG").click()
    assert Path(downloading.value.path()).read_bytes().startswith(b"\x89PNG")


def test_controls_are_disabled_until_the_charts_are_loaded(visitor, expect):
    page = visitor.page
    held = visitor.hold("**/analytics*")
    page.goto(f"{visitor.server.url}/dashboard?feature=refresh_data")
    expect(page.get_by_text("Loading the counts…")).to_be_visible()
    for kind in ("CSV", "PNG"):
        expect(page.get_by_role("button", name=f"Export {kind}")).to_be_disabled()
    expect(page.locator("#line")).to_be_hidden()
    expect(page.locator("#close-line")).to_be_hidden()
    expect(page.get_by_text("Show as table").first).to_be_hidden()
    box = page.locator("#charts").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 200)
    held[0].continue_()
    visitor.wait_until_idle()
    assert visitor.sent == []


def test_a_failed_export_shows_an_error(visitor, expect):
    visitor.expected = ["ERR_FAILED", "Failed to load"]
    page = visitor.page
    page.route("**/exports.js", lambda route: route.abort())
    visitor.open()
    page.get_by_role("button", name="Refresh").click()
    visitor.wait_until_idle()
    page.get_by_role("button", name="Export CSV").click()
    expect(page.get_by_text("The file could not be made. Reload the page and try again.")).to_be_visible()
    assert visitor.features_sent() == ["refresh_data"]


def test_two_quick_clicks_on_log_out_are_one(visitor, expect):
    page = visitor.page
    with page.expect_response("**/me"):  # after the log-out it would be a 401
        visitor.open()
    page.get_by_role("button", name="Log out").dblclick()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Username").fill("ada")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_label("Username")).to_have_value("ada")


def test_an_invalid_feature_in_the_url_can_be_removed(visitor, expect):
    visitor.expected = ["400 (Bad Request)"]
    page = visitor.page
    visitor.open("/dashboard?feature=" + "x" * 5000)
    expect(page.get_by_text("The counts could not be loaded.")).to_be_visible()
    page.locator("#close-line").click()
    visitor.wait_until_idle()
    expect(page.get_by_text("The counts could not be loaded.")).to_be_hidden()
    expect(page).to_have_url(f"{visitor.server.url}/dashboard")
