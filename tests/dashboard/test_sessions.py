"""Sessions that end, and tabs that share cookies: nobody is tracked or shown as another user."""

import re

PASSWORD = "a long password"


def sign_in(page, name):
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_session_that_ends_leads_to_sign_in_once_and_back(visitor, expect):
    visitor.expected = ["401 (Unauthorized)"]
    page = visitor.page
    visitor.open()
    page.get_by_label("Gender", exact=True).select_option("Female")
    visitor.wait_until_idle()
    visitor.bar("gender_filter").click()
    visitor.wait_until_idle()
    before = visitor.stored("refresh_data")
    shown = []
    page.on("framenavigated", lambda frame: shown.append(frame.url))
    page.context.clear_cookies(name="auth_token")
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    assert [re.sub(r"^.*//[^/]+", "", url) for url in shown].count("/login") == 1
    page.reload()  # the way back survives it
    sign_in(page, visitor.name)
    visitor.wait_until_idle()
    expect(page).to_have_url(re.compile(r"/dashboard\?feature=gender_filter$"))
    expect(visitor.bar("gender_filter")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_label("Gender", exact=True)).to_have_value("Female")
    visitor.wait_until_delivered()
    clicks = len({b["event_id"] for b in visitor.sent if b["feature_name"] == "refresh_data"})
    assert visitor.stored("refresh_data") == before + clicks  # the click that ended the session was not lost


def test_log_out_in_another_tab_is_noticed(visitor, expect):
    page = visitor.page
    visitor.expected = ["401 (Unauthorized)"]
    visitor.open()
    other = page.context.new_page()
    visitor.watch(other)
    other.goto(visitor.server.url)
    other.get_by_role("button", name="Log out").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert visitor.features_sent() == []


def test_two_users_in_two_tabs_do_not_mix(visitor, expect):
    page = visitor.page
    ada = visitor.name
    visitor.open()
    page.get_by_label("Gender", exact=True).select_option("Male")
    visitor.wait_until_idle()
    stored = []
    page.on("response", lambda response: response.url.endswith("/track") and stored.append(response))
    bob = visitor.register(age=71, gender="Other")  # as if in another tab: the cookies are now Bob's
    visitor.sent.clear()
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#note")).to_contain_text(f"signed in as {bob['username']}")
    expect(page.locator("#user-name")).to_have_text(bob["username"])
    expect(page.locator("#user-about")).to_have_text("Other, 71")
    expect(page.get_by_label("Gender", exact=True)).to_have_value("")  # Bob has no filters yet
    visitor.wait_until_idle()
    assert visitor.features_sent() == []  # Ada's click is not Bob's
    page.get_by_role("button", name="Refresh").click()
    visitor.wait_until_idle()
    assert [response.json()["userId"] for response in stored] == [bob["id"]]
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, ada)
    visitor.wait_until_idle()
    expect(page.get_by_label("Gender", exact=True)).to_have_value("Male")
    visitor.wait_until_delivered()
    assert visitor.features_sent() == [
        "refresh_data",
        "refresh_data",
    ]  # Ada's click was sent when Ada signed in
    assert stored[1].json()["userId"] != bob["id"]


def test_a_response_after_a_switch_of_users_is_not_shown(visitor, expect):
    page = visitor.page
    visitor.open()
    held = []
    page.route("**/analytics*", lambda route: route.continue_() if held else held.append(route))
    with page.expect_request("**/analytics*"):
        page.get_by_role("button", name="Refresh").click()
    bob = visitor.register()
    held[0].fulfill(json={"barChartData": [{"feature": "adas", "count": 1}], "lineChartData": []})
    expect(page.locator("#user-name")).to_have_text(bob["username"])
    visitor.wait_until_idle()
    assert visitor.bar("adas").count() == 0


def test_returning_to_a_tab_checks_who_is_signed_in(visitor, expect):
    page = visitor.page
    visitor.open()
    bob = visitor.register()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("#user-name")).to_have_text(bob["username"])
    page.context.clear_cookies()
    visitor.expected = ["401 (Unauthorized)"]
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    cleo = visitor.register()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("#user-name")).to_have_text(cleo["username"])


def test_the_end_of_a_session_leaves_another_applications_cookie(visitor, expect):
    page = visitor.page
    visitor.open()
    page.context.clear_cookies()
    page.evaluate("document.cookie = 'user_data=theirs; path=/'")
    visitor.expected = ["401 (Unauthorized)"]
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("document.cookie") == "user_data=theirs"


def test_a_session_survives_the_loss_of_the_readable_cookie(visitor, expect):
    visitor.open()
    visitor.page.context.clear_cookies(name="user_data")
    visitor.page.get_by_role("button", name="Refresh").click()
    visitor.wait_until_idle()
    assert visitor.features_sent() == ["refresh_data"]
    expect(visitor.page.locator("#user-name")).to_have_text(visitor.name)


def test_the_url_after_sign_in_cannot_be_set_from_outside(visitor, expect):
    page = visitor.page
    page.context.clear_cookies()
    visitor.open("/login?back=https://evil.example/&next=//evil.example")
    sign_in(page, visitor.name)
    expect(page).to_have_url(f"{visitor.server.url}/dashboard")
