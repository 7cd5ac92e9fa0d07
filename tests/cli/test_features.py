"""`features`: lists, deletes and renames them."""

import json
import unicodedata

import pytest

from vigility import NewEvent


@pytest.fixture
def used(with_users):
    with with_users.open() as v:
        v.track_many(
            NewEvent(user, feature, f"2026-01-0{day}T12:00:00Z")
            for user, feature, day in [
                ("ada", "zoom", 1),
                ("ada", "zoom", 3),
                ("bob", "zooom", 2),
                ("ada", "test 1", 4),
                ("ada", "test 2", 4),
            ]
        )
    return with_users


def test_features_are_listed_with_their_days(used):
    shown = used.done("features", "list").splitlines()
    assert shown[0].split() == ["Events", "First", "day", "Last", "day", "Feature"]
    assert shown[1].split() == ["2", "2026-01-01", "2026-01-03", "zoom"]
    assert [line.split(maxsplit=3)[3] for line in shown[1:5]] == ["zoom", "test 1", "test 2", "zooom"]
    assert shown[-1] == "4 features"
    assert json.loads(used.done("features", "list", "--json"))[0] == {
        "feature": "zoom",
        "events": 2,
        "firstDay": "2026-01-01",
        "lastDay": "2026-01-03",
    }


def test_an_empty_database_has_none(program):
    assert "has no features" in program.done("features", "list")
    assert program.done("features", "list", "--json") == "[]\n"


def test_features_are_deleted_with_their_events(used):
    shown = used.done("features", "delete", "zooom", "--matching", "test*", "--yes")
    assert shown.endswith("3 features and 3 events deleted.\n")
    assert used.counts() == {"zoom": 2}
    used.done("summaries", "verify")


def test_deleting_shows_what_and_needs_yes_without_a_terminal(used):
    outcome = used("features", "delete", "--matching", "*")
    assert outcome.code == 1
    assert "Delete 4 features and 5 events from" in outcome.err
    assert "zooom" in outcome.out
    assert len(used.counts()) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["delete"], "needs the name of a feature, or --matching PATTERN"),
        (["delete", "zoom", "nope", "--yes"], "NAME must be that of a stored feature, not 'nope'"),
        (["rename", "nope", "x"], "OLD must be that of a stored feature, not 'nope'"),
        (["rename", "zoom", ""], "NEW is required"),
        (["rename", "zoom", "x\n"], "NEW must not hold control characters"),
        (["rename", "zoom", "zoom"], "NEW must be another one than the old one, 'zoom'"),
        (
            ["rename", "zooom", "zoom"],
            "NEW is the name of another feature, 'zoom': choose another one, or merge",
        ),
    ],
)
def test_a_wrong_name_is_one_line_and_changes_nothing(used, arguments, message):
    outcome = used("features", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"vigility: {message}")
    assert outcome.err.count("\n") == 1
    assert used.counts() == {"zoom": 2, "zooom": 1, "test 1": 1, "test 2": 1}


def test_a_pattern_that_matches_nothing_is_said(used):
    assert used.done("features", "delete", "--matching", "x*", "--yes").startswith("No feature matches")


def test_a_feature_is_renamed(used):
    assert used.done("features", "rename", "zooom", "pan") == "Renamed: zooom is now pan.\n"
    assert used.counts() == {"zoom": 2, "pan": 1, "test 1": 1, "test 2": 1}
    used.done("summaries", "verify")


def test_a_feature_is_merged_into_another(used):
    assert used.done("features", "rename", "zooom", "zoom", "--merge") == (
        "1 event moved: zooom is now zoom.\n"
    )
    assert used.counts() == {"zoom": 3, "test 1": 1, "test 2": 1}
    used.done("summaries", "verify")


def test_a_name_that_todays_rules_would_change_can_be_merged(used):
    """A database of an older version has both forms of é."""
    import sqlite3

    decomposed, composed = (unicodedata.normalize(form, "café") for form in ("NFD", "NFC"))
    with used.open() as v:
        v.track("ada", composed)
    with sqlite3.connect(used.database) as older:
        older.execute("UPDATE vigility_features SET name = ? WHERE name = 'zooom'", [decomposed])
    older.close()
    used.done("features", "rename", decomposed, composed, "--merge")
    assert used.counts() == {"zoom": 2, composed: 2, "test 1": 1, "test 2": 1}
