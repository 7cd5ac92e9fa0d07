"""Events that could not be sent are sent again in order and count once; late responses change nothing."""

import re

import pytest


@pytest.fixture
def page(visitor):
    visitor.open()
    visitor.calls.clear()
    return visitor.page


def refuse(page, times, **response):
    """Answer the next few events with an error, without the server."""
    left = iter(range(times))

    def handle(route):
        if next(left, None) is None:
            route.continue_()
        else:
            route.fulfill(**response)

    page.route("**/track", handle)


def test_a_refused_event_is_sent_again_with_the_same_event_id(page, visitor, expect):
    visitor.expected = ["502", "503", "429"]
    before = visitor.stored("refresh_data")
    for nth, status in enumerate((502, 503, 429), 1):
        visitor.sent.clear()
        refuse(page, 2, status=status, json={"error": "later"})
        page.get_by_role("button", name="Refresh").click()
        expect(page.locator("#late")).to_contain_text("1 event not counted yet")
        visitor.wait_until_delivered()
        expect(page.locator("#late")).to_be_empty()
        visitor.wait_until_idle()
        assert len(visitor.sent) == 3
        assert len({body["event_id"] for body in visitor.sent}) == 1
        assert visitor.count("refresh_data") == before + nth  # the charts were fetched again
        page.unroute("**/track")


def test_an_event_whose_response_was_lost_counts_once(page, visitor, expect):
    visitor.expected = ["ERR_FAILED"]
    before = visitor.stored("refresh_data")
    lost = []

    def handle(route):
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().status)
            route.abort()

    page.route("**/track", handle)
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#late")).to_contain_text("1 event")
    visitor.wait_until_delivered()
    expect(page.locator("#late")).to_be_empty()
    assert lost == [201]
    assert len(visitor.sent) == 2
    assert visitor.stored("refresh_data") == before + 1


def test_retry_after_is_honoured(page, visitor, expect):
    visitor.expected = ["503"]
    refuse(page, 1, status=503, headers={"Retry-After": "2"}, json={"error": "busy"})
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#late")).to_contain_text("1 event")
    page.evaluate("dispatchEvent(new Event('online'))")  # must not shorten the wait that the server asked for
    visitor.advance(1_999)
    assert visitor.features_sent() == ["refresh_data"]
    visitor.advance(1 + 250)  # up to 250 ms spread the retries of many pages
    expect(page.locator("#late")).to_be_empty()
    assert visitor.features_sent() == ["refresh_data"] * 2


def test_events_are_sent_in_order(page, visitor, expect):
    visitor.expected = ["503"]
    refuse(page, 1, status=503, json={"error": "busy"})
    page.get_by_label("Gender", exact=True).select_option("Male")
    page.get_by_label("Age Group", exact=True).select_option("Over 40")
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#late")).to_contain_text("3 events not counted yet")
    visitor.wait_until_delivered()
    visitor.wait_until_idle()
    assert visitor.features_sent() == ["gender_filter", "gender_filter", "age_filter", "refresh_data"]
    assert visitor.calls[-1] == ("analytics", {"ageGroup": ">40", "gender": "Male"})


def test_a_reload_neither_loses_nor_repeats_events(page, visitor):
    before = visitor.stored("refresh_data")
    for _ in range(4):
        page.get_by_role("button", name="Refresh").click()
    page.reload()
    visitor.wait_until_idle()
    visitor.wait_until_delivered()
    assert visitor.stored("refresh_data") == before + 4
    assert len({body["event_id"] for body in visitor.sent}) == 4


def test_events_wait_for_the_network_through_a_reload(page, visitor, expect):
    visitor.expected = ["ERR_FAILED", "ERR_INTERNET_DISCONNECTED"]
    before = visitor.stored("refresh_data")
    page.route("**/track", lambda route: route.abort())
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#late")).to_contain_text("1 event")
    page.reload()
    expect(page.locator("#late")).to_contain_text("1 event")
    page.unroute("**/track")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#late")).to_be_empty()
    visitor.wait_until_idle()
    assert visitor.stored("refresh_data") == before + 1
    assert visitor.count("refresh_data") == before + 1


def test_a_permanently_refused_event_is_reported_and_does_not_block_the_next(page, visitor, expect):
    visitor.expected = ["409"]
    refuse(page, 1, status=409, json={"error": "event_id is already used"})
    before = visitor.stored("refresh_data")
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_text("An event was not counted: event_id is already used.")).to_be_visible()
    page.get_by_role("button", name="Refresh").click()
    visitor.wait_until_idle()
    assert visitor.count("refresh_data") == before + 1


def test_charts_wait_for_an_event_only_briefly(page, visitor, expect):
    held = visitor.hold("**/track")
    page.get_by_label("Gender", exact=True).select_option("Other")
    visitor.advance(1_999)
    assert visitor.calls == [("track", "gender_filter")]
    visitor.advance(1)
    expect(page.locator("#charts")).to_have_attribute("aria-busy", "false")
    assert visitor.calls == [("track", "gender_filter"), ("analytics", {"gender": "Other"})]
    with page.expect_event("requestfinished", lambda request: "analytics" in request.url):
        held[0].continue_()
    assert visitor.calls[2:] == [("analytics", {"gender": "Other"})]  # again, now with the event


def test_a_late_response_does_not_replace_a_newer_one(page, visitor, expect):
    held = visitor.hold("**/analytics*")
    with page.expect_request("**/analytics?gender=Male"):
        page.get_by_label("Gender", exact=True).select_option("Male")
    with page.expect_request("**/analytics?gender=Female"):
        page.get_by_label("Gender", exact=True).select_option("Female")
    held[0].fulfill(json={"barChartData": [{"feature": "older", "count": 1}], "lineChartData": []})
    visitor.round_trip()  # nothing may change
    expect(page.locator("#charts")).to_have_attribute("aria-busy", "true")
    expect(page.get_by_text("could not be loaded")).to_be_hidden()
    assert visitor.bar("older").count() == 0
    held[1].fulfill(json={"barChartData": [{"feature": "newer", "count": 2}], "lineChartData": []})
    expect(visitor.bar("newer")).to_be_visible()
    assert visitor.bar("older").count() == 0


def test_charts_that_failed_show_an_error_and_recover(page, visitor, expect):
    visitor.expected = ["500", "ERR_FAILED"]
    page.route("**/analytics*", lambda route: route.fulfill(status=500, json={"error": "The disk is full"}))
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_text("The counts could not be loaded. The disk is full.")).to_be_visible()
    expect(page.get_by_role("button", name="Export CSV")).to_be_disabled()
    page.unroute("**/analytics*")
    page.route("**/analytics*", lambda route: route.abort())
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
    page.unroute("**/analytics*")
    page.get_by_role("button", name="Try again").click()
    expect(visitor.bar("refresh_data")).to_be_visible()
    expect(page.get_by_role("button", name="Export CSV")).to_be_enabled()


def test_the_first_load_shows_that_it_loads(visitor, expect):
    held = visitor.hold("**/analytics*")
    visitor.page.goto(f"{visitor.server.url}/dashboard")
    expect(visitor.page.get_by_text("Loading the counts…")).to_be_visible()
    expect(visitor.page.locator("#charts")).to_have_attribute("aria-busy", "true")
    held[0].continue_()
    expect(visitor.page.get_by_text("Loading the counts…")).to_be_hidden()


def test_a_server_that_is_unreachable_at_first_can_be_tried_again(visitor, expect):
    visitor.expected = ["ERR_FAILED"]
    for path in ("**/me", "**/analytics*"):
        visitor.page.route(path, lambda route: route.abort())
    visitor.page.goto(f"{visitor.server.url}/dashboard?feature=refresh_data")
    expect(
        visitor.page.get_by_text("The counts could not be loaded. The server cannot be reached.")
    ).to_be_visible()
    visitor.page.unroute_all()
    visitor.page.get_by_role("button", name="Try again").click()
    visitor.wait_until_idle()
    expect(visitor.page).to_have_url(re.compile("feature=refresh_data$"))
