"""Events that fail to send are sent again, in order, once each; and answers that overtake each other."""

import re

import pytest


@pytest.fixture
def page(visitor):
    visitor.open()
    visitor.calls.clear()
    return visitor.page


def refuse(page, times, **answer):
    """Answer the next few events with a failure, without telling the server."""
    left = iter(range(times))

    def handle(route):
        if next(left, None) is None:
            route.continue_()
        else:
            route.fulfill(**answer)

    page.route("**/track", handle)


def test_a_refused_event_is_sent_again_under_the_same_id(page, visitor, expect):
    visitor.expected = ["502", "503", "429"]
    before = visitor.stored("refresh_data")
    for nth, status in enumerate((502, 503, 429), 1):
        visitor.sent.clear()
        refuse(page, 2, status=status, json={"error": "later"})
        page.get_by_role("button", name="Refresh").click()
        expect(page.locator("#late")).to_contain_text("1 event not counted yet")
        visitor.delivered()
        expect(page.locator("#late")).to_be_empty()
        visitor.rest()
        assert len(visitor.sent) == 3
        assert len({body["event_id"] for body in visitor.sent}) == 1
        assert visitor.count("refresh_data") == before + nth  # the charts were fetched again
        page.unroute("**/track")


def test_an_event_whose_answer_was_lost_counts_once(page, visitor, expect):
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
    visitor.delivered()
    expect(page.locator("#late")).to_be_empty()
    assert lost == [201]
    assert len(visitor.sent) == 2
    assert visitor.stored("refresh_data") == before + 1


def test_retry_after_is_honoured(page, visitor, expect):
    visitor.expected = ["503"]
    refuse(page, 1, status=503, headers={"Retry-After": "2"}, json={"error": "busy"})
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#late")).to_contain_text("1 event")
    page.evaluate("dispatchEvent(new Event('online'))")  # must not cut short what the server asked for
    visitor.let_pass(1_999)
    assert visitor.features_sent() == ["refresh_data"]
    visitor.let_pass(1 + 250)  # which are there to spread the pages
    expect(page.locator("#late")).to_be_empty()
    assert visitor.features_sent() == ["refresh_data"] * 2


def test_the_order_is_kept(page, visitor, expect):
    visitor.expected = ["503"]
    refuse(page, 1, status=503, json={"error": "busy"})
    page.get_by_label("Gender", exact=True).select_option("Male")
    page.get_by_label("Age Group", exact=True).select_option("Over 40")
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#late")).to_contain_text("3 events not counted yet")
    visitor.delivered()
    visitor.rest()
    assert visitor.features_sent() == ["gender_filter", "gender_filter", "age_filter", "refresh_data"]
    assert visitor.calls[-1] == ("analytics", {"ageGroup": ">40", "gender": "Male"})


def test_a_reload_loses_no_event_and_counts_none_twice(page, visitor):
    before = visitor.stored("refresh_data")
    for _ in range(4):
        page.get_by_role("button", name="Refresh").click()
    page.reload()
    visitor.rest()
    visitor.delivered()
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
    visitor.rest()
    assert visitor.stored("refresh_data") == before + 1
    assert visitor.count("refresh_data") == before + 1


def test_an_event_refused_for_good_is_said_and_does_not_block_the_next(page, visitor, expect):
    visitor.expected = ["409"]
    refuse(page, 1, status=409, json={"error": "event_id is already used"})
    before = visitor.stored("refresh_data")
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_text("An event was not counted: event_id is already used.")).to_be_visible()
    page.get_by_role("button", name="Refresh").click()
    visitor.rest()
    assert visitor.count("refresh_data") == before + 1


def test_charts_do_not_wait_for_ever_for_an_event(page, visitor, expect):
    held = visitor.hold("**/track")
    page.get_by_label("Gender", exact=True).select_option("Other")
    visitor.let_pass(1_999)
    assert visitor.calls == [("track", "gender_filter")]
    visitor.let_pass(1)
    expect(page.locator("#charts")).to_have_attribute("aria-busy", "false")
    assert visitor.calls == [("track", "gender_filter"), ("analytics", {"gender": "Other"})]
    with page.expect_event("requestfinished", lambda request: "analytics" in request.url):
        held[0].continue_()
    assert visitor.calls[2:] == [("analytics", {"gender": "Other"})]  # once more, with the event in it


def test_a_late_answer_does_not_overwrite_a_newer_one(page, visitor, expect):
    held = visitor.hold("**/analytics*")
    with page.expect_request("**/analytics?gender=Male"):
        page.get_by_label("Gender", exact=True).select_option("Male")
    with page.expect_request("**/analytics?gender=Female"):
        page.get_by_label("Gender", exact=True).select_option("Female")
    held[0].fulfill(json={"barChartData": [{"feature": "older", "count": 1}], "lineChartData": []})
    visitor.round_trip()  # nothing may happen
    expect(page.locator("#charts")).to_have_attribute("aria-busy", "true")
    expect(page.get_by_text("could not be loaded")).to_be_hidden()
    assert visitor.bar("older").count() == 0
    held[1].fulfill(json={"barChartData": [{"feature": "newer", "count": 2}], "lineChartData": []})
    expect(visitor.bar("newer")).to_be_visible()
    assert visitor.bar("older").count() == 0


def test_failed_charts_say_so_and_come_back(page, visitor, expect):
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


def test_a_first_load_says_that_it_loads(visitor, expect):
    held = visitor.hold("**/analytics*")
    visitor.page.goto(f"{visitor.server.url}/dashboard")
    expect(visitor.page.get_by_text("Loading the counts…")).to_be_visible()
    expect(visitor.page.locator("#charts")).to_have_attribute("aria-busy", "true")
    held[0].continue_()
    expect(visitor.page.get_by_text("Loading the counts…")).to_be_hidden()


def test_a_server_that_is_away_at_the_start_can_be_tried_again(visitor, expect):
    visitor.expected = ["ERR_FAILED"]
    for path in ("**/me", "**/analytics*"):
        visitor.page.route(path, lambda route: route.abort())
    visitor.page.goto(f"{visitor.server.url}/dashboard?feature=refresh_data")
    expect(
        visitor.page.get_by_text("The counts could not be loaded. The server cannot be reached.")
    ).to_be_visible()
    visitor.page.unroute_all()
    visitor.page.get_by_role("button", name="Try again").click()
    visitor.rest()
    expect(visitor.page).to_have_url(re.compile("feature=refresh_data$"))
