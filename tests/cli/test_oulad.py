"""Real input, right answers: 1,048,575 clicks of students, and the counts two other programs agreed on."""

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

import postgres
from vigility.cli.main import run

OULAD = Path(__file__).parents[3] / "shared" / "data" / "oulad"
AGE_GROUPS = {"lt_18": "<18", "18_40": "18-40", "gt_40": ">40"}

pytestmark = [
    pytest.mark.outside_data,
    pytest.mark.skipif(not OULAD.exists(), reason="the OULAD data is not at ../shared/data/oulad"),
]


def vigility(database, *arguments):
    command = [sys.executable, "-m", "vigility", "--database", database, *arguments]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def reference():
    return json.loads((OULAD / "reference.json").read_text())


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(request, tmp_path_factory):
    on_postgres = request.param == "postgres"
    database = postgres.bare_database() if on_postgres else tmp_path_factory.mktemp("oulad") / "oulad.db"
    vigility(database, "users", "import", OULAD / "users.csv")
    vigility(database, "track", "--file", OULAD / "events.jsonl.gz")
    yield database
    if on_postgres:
        postgres.drop(database)


def options(name):
    """The options of the query that the reference calls `from=2013-10-01&gender=Female`."""
    asked = dict(parse_qsl(name))
    chosen = {
        "--age-group": AGE_GROUPS.get(asked.get("age")),
        "--gender": asked.get("gender"),
        "--start": asked.get("from"),
        "--end": asked.get("to"),
    }
    return [part for option, value in chosen.items() if value for part in (option, value)]


def answer_to(database, *arguments):
    """What `report --json` answers, in this process: 52 starts of Python would prove nothing more."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(stdout):
        assert run(["--database", str(database), "report", "--json", *arguments]) == 0
    return json.loads(stdout.buffer.getvalue())


def test_every_reference_query_is_answered_alike(database, reference):
    assert len(reference["queries"]) == 48
    for name, query in reference["queries"].items():
        answer = answer_to(database, *options(name))
        expected = [{"feature": f["feature_name"], "count": f["count"]} for f in query["per_feature"]]
        assert answer == {"barChartData": expected, "lineChartData": []}, name


def test_every_series_of_days_is_answered_alike(database, reference):
    assert len(reference["top_feature_per_day"]) == 4
    for name, series in reference["top_feature_per_day"].items():
        feature = reference["top_feature"]
        answer = answer_to(database, "--feature", feature, *options(name))
        assert [point for point in answer["lineChartData"] if point["count"]] == series, name


def test_the_users_are_counted_alike(database, reference):
    users = json.loads(vigility(database, "users", "list", "--json"))
    assert len(users) == reference["users_in_users_csv"]
    for gender, count in reference["users_per_gender"].items():
        assert sum(user["gender"] == gender for user in users) == count


def test_summaries_of_real_input_agree_with_its_events(database):
    vigility(database, "summaries", "verify")
