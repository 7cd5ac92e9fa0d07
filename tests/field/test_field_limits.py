"""What one event, one user or one report may not do to all others.

Each test names its item of issue 11; (08) is the number of the input among those found in the field.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import vigility
from support.web_client import ADA, Client, Clock, Hasher, make_settings
from vigility import NewEvent
from vigility.core.reports.shown_days import MAX_DAYS
from vigility.core.times import CALENDAR
from vigility.web.app import create_app

INPUTS = Path(__file__).with_name("inputs")
WRONG_CALENDARS = INPUTS / "08-wrong-calendars.jsonl"


@pytest.fixture
def v(tmp_path):
    with vigility.connect(str(tmp_path / "usage.db"), clock=Clock(), hasher=Hasher()) as opened:
        yield opened


@pytest.fixture
def client(v):
    client = Client(create_app(v, make_settings(), Clock()))
    yield client
    client.close()


@pytest.fixture
def bearer(client):
    return {"Authorization": f"Bearer {client.register(**ADA)}"}


# Item 7 (08): the years 1, 2569 and 8.
def test_times_of_wrong_calendars_are_rejected_by_line(with_users, monkeypatch):
    monkeypatch.delenv("VIGILITY_OLDEST_EVENT_DAYS")
    outcome = with_users("track", "--file", WRONG_CALENDARS)
    assert (outcome.code, with_users.counts()) == (1, {})
    lines = outcome.err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["line 1", "line 2", "line 3"]
    assert all("timestamp must lie between" in line for line in lines)
    assert ["--oldest-days" in line for line in lines] == [True, False, True]


# Item 7 (08): an old database can hold them already.
def test_a_stored_wrong_year_neither_stretches_nor_hides_the_lines(client, bearer, v):
    wrong = [json.loads(line) for line in WRONG_CALENDARS.read_text().splitlines()]
    v.events.importer(CALENDAR).store([NewEvent("ada", "zoom", event["timestamp"]) for event in wrong])
    v.track_many([NewEvent("ada", "zoom"), NewEvent("ada", "pan")])
    for feature, count in (("zoom", 1), ("pan", 1)):
        found = client.get(f"/analytics?feature={feature}", headers=bearer)
        assert found.status_code == 200
        assert len(found.json["lineChartData"]) <= MAX_DAYS
        assert found.json["lineChartData"][-1] == {"date": "2026-03-01", "count": count}
        assert found.json["truncated"] == {"startDate": "0001-01-01", "endDate": "2569-03-01"}
        assert {bar["feature"]: bar["count"] for bar in found.json["barChartData"]} == {"zoom": 4, "pan": 1}


# Item 7 (08): the remedy.
def test_stored_events_of_wrong_calendars_are_deleted(with_users):
    with with_users.open() as v:
        wrong = [json.loads(line) for line in WRONG_CALENDARS.read_text().splitlines()]
        events = [NewEvent("ada", "zoom", event["timestamp"]) for event in wrong]
        v.events.importer(CALENDAR).store([*events, NewEvent("ada", "zoom", "2026-01-31T12:00:00Z")])
    assert "2 events deleted." in with_users.done("events", "delete", "--to", "1999-12-31", "--yes")
    assert "1 event deleted." in with_users.done("events", "delete", "--from", "2500-01-01", "--yes")
    line = json.loads(with_users.done("report", "--json", "--feature", "zoom"))["lineChartData"]
    assert line[0] == {"date": "2026-01-31", "count": 1}
    with_users.done("summaries", "verify")


# Items 13 and 24: names without end.
def test_a_user_cannot_store_more_feature_names_than_are_allowed(tmp_path):
    with vigility.connect(str(tmp_path / "usage.db"), clock=Clock(), hasher=Hasher(), max_features=50) as v:
        client = Client(create_app(v, make_settings(), Clock()))
        bearer = {"Authorization": f"Bearer {client.register(**ADA)}"}
        names = [{"feature_name": f"n{number:03}"} for number in range(80)]
        batch = client.post("/track/batch", {"events": names}, headers=bearer).json
        assert (batch["accepted"], [entry["index"] for entry in batch["rejected"]]) == (50, [*range(50, 80)])
        assert "VIGILITY_MAX_FEATURES" in batch["rejected"][0]["error"]
        refused = client.post("/track", {"feature_name": "one more"}, headers=bearer)
        assert refused.status_code == 400
        assert "more than 50 features are not taken" in refused.json["error"]
        assert client.post("/track", {"feature_name": "n049"}, headers=bearer).status_code == 201
        assert len(client.get("/analytics", headers=bearer).json["barChartData"]) == 50
        client.close()


# Item 13: a database that has 200,000 names already.
def test_a_report_over_http_has_a_bounded_number_of_bars(client, bearer, v):
    names = [f"name {number:05}" for number in range(2_500)]
    v.track_many([NewEvent("ada", name) for name in [*names, *names[:3]]])
    found = client.get("/analytics", headers=bearer).json
    assert [bar["feature"] for bar in found["barChartData"]] == names[:1_000]
    assert found["rest"] == {"features": 1_500, "count": 1_500}
    top = client.get("/analytics?limit=3", headers=bearer).json
    assert top["barChartData"] == [{"feature": name, "count": 2} for name in names[:3]]
    assert top["rest"] == {"features": 2_497, "count": 2_497}


# Item 24: the remedy for names that one user made.
def test_the_names_that_one_user_made_are_deleted(with_users):
    with with_users.open() as v:
        v.track_many(NewEvent("bob", f"junk {number}") for number in range(5_000))
        v.track("ada", "zoom")
    shown = with_users.done("events", "delete", "--user", "bob", "--yes")
    assert shown.endswith("5,000 events deleted.\n")
    assert json.loads(with_users.done("features", "list", "--json"))[0]["feature"] == "zoom"
    assert with_users.done("features", "list").endswith("\n1 feature\n")
    with_users.done("summaries", "verify")


# Item 24: twelve heavy reports at once.
def test_health_never_waits_behind_reports(client, bearer, v, monkeypatch):
    done = []
    report = v.report

    def heavy(**asked):
        while not done:
            time.sleep(0.001)
        return report(**asked)

    monkeypatch.setattr(v, "report", heavy)
    with ThreadPoolExecutor(12) as pool:
        pending = [pool.submit(client.get, "/analytics", headers=bearer) for _ in range(12)]
        try:
            assert client.get("/health").json == {"status": "ok"}
            assert client.post("/track", {"feature_name": "zoom"}, headers=bearer).status_code == 201
            assert not any(each.done() for each in pending)
        finally:
            done.append(True)
        assert {each.result().status_code for each in pending} == {200}
