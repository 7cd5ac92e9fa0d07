"""Real input: 1,048,575 events of students, and the counts that two other programs agree on."""

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from support import postgres
from vigility.cli.main import run

OULAD = Path(__file__).parents[3] / "shared" / "data" / "oulad"
A_CENTURY = 36_525
AGE_GROUPS = {"lt_18": "<18", "18_40": "18-40", "gt_40": ">40"}

pytestmark = [
    pytest.mark.slow,  # imports a million events
    pytest.mark.outside_data,
    pytest.mark.skipif(not OULAD.exists(), reason="the OULAD data is not at ../shared/data/oulad"),
]


def vigility(database, *arguments):
    command = [sys.executable, "-m", "vigility", "--database", database, *arguments]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def reference():
    return json.loads((OULAD / "reference.json").read_text())


@pytest.fixture(scope="module", params=["sqlite", postgres.PARAM])
def database(request, tmp_path_factory):
    on_postgres = request.param == "postgres"
    database = postgres.bare_database() if on_postgres else tmp_path_factory.mktemp("oulad") / "oulad.db"
    vigility(database, "users", "import", OULAD / "users.csv")
    # Its events are from 2013 and 2014.
    vigility(database, "track", "--file", OULAD / "events.jsonl.gz", "--oldest-days", A_CENTURY)
    yield database
    if on_postgres:
        postgres.drop(database)


def options(name):
    """The options for a query of the reference, such as `from=2013-10-01&gender=Female`."""
    parameters = dict(parse_qsl(name))
    chosen = {
        "--age-group": AGE_GROUPS.get(parameters.get("age")),
        "--gender": parameters.get("gender"),
        "--start": parameters.get("from"),
        "--end": parameters.get("to"),
    }
    return [part for option, value in chosen.items() if value for part in (option, value)]


def report_json(database, *arguments):
    """What `report --json` prints, in this process: 52 starts of Python would test nothing more."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(stdout):
        assert run(["--database", str(database), "report", "--json", *arguments]) == 0
    return json.loads(stdout.buffer.getvalue())


def test_every_reference_query_gives_the_same_counts(database, reference):
    assert len(reference["queries"]) == 48
    for name, query in reference["queries"].items():
        printed = report_json(database, *options(name))
        expected = [{"feature": f["feature_name"], "count": f["count"]} for f in query["per_feature"]]
        assert printed == {"barChartData": expected, "lineChartData": []}, name


def test_every_reference_series_gives_the_same_days(database, reference):
    assert len(reference["top_feature_per_day"]) == 4
    for name, series in reference["top_feature_per_day"].items():
        feature = reference["top_feature"]
        printed = report_json(database, "--feature", feature, *options(name))
        assert [point for point in printed["lineChartData"] if point["count"]] == series, name


def test_the_numbers_of_users_are_the_same(database, reference):
    users = json.loads(vigility(database, "users", "list", "--json"))
    assert len(users) == reference["users_in_users_csv"]
    for gender, count in reference["users_per_gender"].items():
        assert sum(user["gender"] == gender for user in users) == count


def test_rollups_of_real_input_agree_with_its_events(database):
    vigility(database, "summaries", "verify")
