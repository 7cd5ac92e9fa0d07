import re

PASSWORD = "a long password"


def fill(page, **fields):
    for label, value in fields.items():
        control = page.get_by_label(label.capitalize(), exact=True)
        if label == "gender":
            control.select_option(value)
        else:
            control.fill(value)


def test_a_new_user_creates_an_account_and_sees_the_dashboard(arrive, expect):
    page = (visitor := arrive()).page
    visitor.open("/register")
    fill(page, username="Zoë <b>Ünal</b>", password=PASSWORD, age="41", gender="Other")
    page.get_by_role("button", name="Create an account").click()
    expect(page).to_have_url(re.compile("/dashboard$"))
    expect(page.get_by_role("banner")).to_contain_text("Zoë <b>Ünal</b>")
    expect(page.get_by_role("banner")).to_contain_text("Other, 41")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_focused()


def test_signing_in_with_the_keyboard_and_logging_out(arrive, expect):
    visitor = arrive()
    visitor.register(age=17, gender="Male")
    page = visitor.page
    page.context.clear_cookies()
    visitor.open("/login")
    page.keyboard.type(visitor.name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#user")).to_have_text(re.compile(rf"{visitor.name}\s*Male, 17"))
    visitor.wait_until_idle()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile("/login$"))
    expect(page.locator("#user")).to_be_hidden()
    assert page.context.cookies() == []
    visitor.open("/dashboard")
    expect(page).to_have_url(re.compile("/login$"))


def test_errors_of_the_api_are_shown_at_the_field(arrive, expect):
    visitor = arrive()
    visitor.expected = ["400 (Bad Request)"]
    taken = visitor.register()["username"]
    page = visitor.page
    page.context.clear_cookies()
    visitor.open("/register")
    fill(page, username=taken, password="short", age="25abc", gender="Male")
    for field, wrong, right in (
        ("Password", "8", PASSWORD),
        ("Age", "from 1 to 120", "25"),
        ("Username", "already exists", f"{taken}-2"),
    ):
        page.get_by_role("button", name="Create an account").click()
        control = page.get_by_label(field, exact=True)
        expect(control).to_have_attribute("aria-invalid", "true")
        expect(control).to_have_accessible_description(re.compile(wrong))
        expect(control).to_be_focused()
        expect(page.locator(".error:visible")).to_have_count(1)
        control.fill(right)
    page.get_by_role("button", name="Create an account").click()
    expect(page).to_have_url(re.compile("/dashboard$"))


def test_missing_fields_are_reported_without_a_request(arrive, expect):
    page = (visitor := arrive()).page
    visitor.open("/register")
    page.get_by_role("button", name="Create an account").click()
    expect(page.locator(".error:visible")).to_have_count(4)
    expect(page.get_by_label("Username")).to_be_focused()


def test_wrong_credentials_show_one_error_and_the_form_stays_usable(visitor, expect):
    visitor.expected = ["400 (Bad Request)"]
    page = visitor.page
    page.context.clear_cookies()
    visitor.open("/login")
    fill(page, username=visitor.name, password="not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Invalid credentials.")
    fill(page, password=PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/dashboard$"))


def test_too_many_attempts_show_how_long_to_wait(visitor, expect):
    visitor.expected = ["429"]
    page = visitor.page
    page.context.clear_cookies()
    visitor.open("/login")
    page.route(
        "**/login",
        lambda route: route.fulfill(
            status=429, headers={"Retry-After": "42"}, json={"error": "Too many attempts"}
        ),
    )
    fill(page, username=visitor.name, password=PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Too many attempts. Try again in 42 s.")


def test_without_a_session_every_path_leads_to_sign_in(arrive, expect):
    page = (visitor := arrive()).page
    for path in ("/", "/dashboard", "/login"):
        visitor.open(path)
        expect(page).to_have_url(re.compile("/login$"))
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_with_a_session_every_path_leads_to_the_dashboard(visitor, expect):
    for path in ("/", "/dashboard", "/login", "/register"):
        visitor.open(path)
        expect(visitor.page).to_have_url(re.compile("/dashboard$"))
    visitor.page.reload()
    expect(visitor.page.get_by_role("heading", name="Dashboard")).to_be_visible()


def test_the_forms_link_to_each_other_and_back_works(arrive, expect):
    page = (visitor := arrive()).page
    visitor.open("/login")
    page.get_by_role("link", name="Create an account").click()
    expect(page).to_have_url(re.compile("/register$"))
    expect(page).to_have_title("Create an account · vigility")
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page).to_have_title("Sign in · vigility")


def test_a_failed_log_out_shows_an_error(visitor, expect):
    visitor.expected = ["ERR_FAILED"]
    visitor.open()
    visitor.page.route("**/logout", lambda route: route.abort())
    visitor.page.get_by_role("button", name="Log out").click()
    expect(visitor.page.get_by_text("You are still signed in")).to_be_visible()
    expect(visitor.page.locator("#user-name")).to_have_text(visitor.name)
