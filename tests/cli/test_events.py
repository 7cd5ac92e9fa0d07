"""`events delete`: shows what it would delete, asks, and leaves reports as if it had never been stored."""

import json

import pytest

from vigility.core.times import CALENDAR

EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"


@pytest.fixture
def used(with_users):
    """Three events of ada in 2026, one of bob, and one of ada with a wrong year."""
    from vigility import NewEvent

    with with_users.open() as v:
        v.events.importer(CALENDAR).store(
            [
                NewEvent("ada", "zoom", "2026-01-01T10:00:00Z"),
                NewEvent("ada", "zoom", "2026-01-02T10:00:00Z"),
                NewEvent("ada", "export", "2026-01-02T11:00:00Z"),
                NewEvent("bob", "zoom", "2026-01-03T10:00:00Z", EVENT_ID),
                NewEvent("ada", "zoom", "0027-01-03T10:00:00Z"),
            ]
        )
    return with_users


def test_events_with_a_wrong_year_are_deleted(used):
    before = json.loads(used.done("report", "--json", "--feature", "zoom"))
    assert before["truncated"]["startDate"] == "0027-01-03"
    shown = used.done("events", "delete", "--to", "1999-12-31", "--yes")
    assert "0027-01-03T10:00:00   ada    zoom" in shown
    assert shown.endswith("1 event deleted.\n")
    after = json.loads(used.done("report", "--json", "--feature", "zoom"))
    assert after["lineChartData"][0] == {"date": "2026-01-01", "count": 1}
    assert "truncated" not in after
    used.done("summaries", "verify")


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--user", "ada"], {"zoom": 1}),
        (["--feature", "zoom"], {"export": 1}),
        (["--id", "1", "--id", EVENT_ID], {"zoom": 2, "export": 1}),
        (["--from", "2026-01-02", "--to", "2026-01-02"], {"zoom": 3}),
        (["--from", "2026-01-02T10:30:00Z", "--user", "ada"], {"zoom": 4}),
        (["--to", "2026-01-02T11:00:00+01:00", "--feature", "zoom"], {"zoom": 1, "export": 1}),
    ],
)
def test_all_given_options_must_hold(used, options, left):
    assert used("events", "delete", *options, "--yes").code == 0
    assert used.counts() == left
    used.done("summaries", "verify")


def test_without_a_terminal_it_needs_yes_and_shows_what_it_would_delete(used):
    outcome = used("events", "delete", "--feature", "zoom")
    assert outcome.code == 1
    assert outcome.err == (
        f"vigility: Delete 4 events from {used.database}? There is no terminal to answer: use --yes\n"
    )
    assert outcome.out.count("zoom") == 4
    assert used.counts() == {"zoom": 4, "export": 1}


def test_of_many_events_the_first_are_shown(used):
    with used.open() as v:
        for _ in range(4):
            v.track("bob", "zoom")
    assert "\nand 3 more events\n" in used("events", "delete", "--feature", "zoom").out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "needs at least one of --id, --user, --feature, --from and --to"),
        (["--user", "eve"], 1, "no user is named 'eve'"),
        (["--feature", "nope"], 2, "--feature must be that of a stored feature, not 'nope'"),
        (["--from", "yesterday"], 2, "--from must be"),
        (["--to", "2026-02-30"], 2, "--to must be a day of the calendar"),
        (["--id", "x"], 2, "--id must be a whole number, or a UUID"),
    ],
)
def test_a_wrong_option_is_one_line_and_deletes_nothing(used, options, code, message):
    outcome = used("events", "delete", *options, "--yes")
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.startswith(f"vigility: {message}")
    assert outcome.err.count("\n") == 1
    assert used.counts() == {"zoom": 4, "export": 1}


def test_nothing_to_delete_is_said(used):
    assert used.done("events", "delete", "--id", "99", "--yes").startswith("No events are chosen")


def test_in_a_terminal_it_asks(used, in_terminal):
    terminal = in_terminal("--database", used.database, "events", "delete", "--user", "ada")
    terminal.wait_for("Delete 4 events")
    terminal.type("n\n")
    assert terminal.ended() == 1
    assert "nothing was changed" in terminal.shown
    terminal = in_terminal("--database", used.database, "events", "delete", "--user", "ada")
    terminal.wait_for("Delete 4 events")
    terminal.type("y\n")
    assert terminal.ended() == 0
    assert "4 events deleted." in terminal.shown
    assert used.counts() == {"zoom": 1}
