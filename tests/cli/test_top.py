"""`report --top N`: the N most used features, and the others as one number."""

import csv
import io
import json

import pytest

from vigility import NewEvent


@pytest.fixture
def used(with_users):
    """Features "0" to "4", used 1 to 5 times."""
    with with_users.open() as v:
        v.track_many(
            NewEvent("ada", str(name), "2026-01-01T00:00:00Z") for name in range(5) for _ in range(name + 1)
        )
    return with_users


def test_the_terminal_shows_the_others_as_one(used):
    shown = used.done("report", "--top", "2").splitlines()
    rows = [line.split() for line in shown[4:7]]
    assert [row[:4] for row in rows[:2]] == [["4", "5", "33.3", "%"], ["3", "4", "26.7", "%"]]
    assert rows[2] == ["other", "(3", "features)", "6", "40.0", "%"]
    assert shown[-1].strip() == "15 events of 5 features"
    assert "other" not in used.done("report", "--top", "5")


def test_json_has_a_member_of_its_own(used):
    found = json.loads(used.done("report", "--top", "2", "--json", "--feature", "0"))
    assert [bar["feature"] for bar in found["barChartData"]] == ["4", "3"]
    assert found["rest"] == {"features": 3, "count": 6}
    assert found["lineChartData"][0] == {"date": "2026-01-01", "count": 1}
    assert list(json.loads(used.done("report", "--json"))) == ["barChartData", "lineChartData"]


def test_csv_has_the_top_and_stderr_says_what_is_missing(used):
    outcome = used("report", "--top", "2", "--csv")
    assert list(csv.reader(io.StringIO(outcome.out))) == [["feature", "count"], ["4", "5"], ["3", "4"]]
    assert (outcome.code, outcome.err) == (0, "Not shown: 3 other features with 6 events (--top)\n")
    assert used.done("report", "--top", "2", "--csv", "--feature", "0").startswith('"date","count"')


@pytest.mark.parametrize("number", ["0", "-1", "x"])
def test_top_is_a_number_from_1(used, number):
    outcome = used("report", "--top", number)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--top" in outcome.err


def test_a_line_of_too_many_days_says_so(with_users):
    from vigility.core.times import CALENDAR

    with with_users.open() as v:
        times = ("0001-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
        v.events.importer(CALENDAR).store([NewEvent("ada", "x", at) for at in times])
    shown = " ".join(with_users.done("report", "--feature", "x").split())
    assert "Not all days from 0001-01-01 to " in shown
    assert "To see others, use --start and --end." in shown
    assert "Not all days" not in with_users.done("report", "--feature", "x", "--start", "2020-01-01")
