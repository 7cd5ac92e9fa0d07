import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, event

import vigility
from support.web_client import ADA, Client, Hasher, make_settings
from vigility.core.reports.shown_days import MAX_DAYS
from vigility.core.times import CALENDAR
from vigility.web.app import create_app


@pytest.fixture
def statements():
    seen = []

    def record(_connection, _cursor, statement, *_):
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", record)
    yield seen
    event.remove(Engine, "before_cursor_execute", record)


def test_analytics_reads_rollups_and_no_events(tmp_path, clock, statements):
    with vigility.connect(f"{tmp_path}/usage.db", clock=clock, hasher=Hasher()) as v:
        client = Client(create_app(v, make_settings(), clock))
        bearer = {"Authorization": f"Bearer {client.register(**ADA)}"}
        client.post("/track", {"feature_name": "a"}, headers=bearer)
        assert any("vigility_events" in statement for statement in statements)
        statements.clear()
        for query in ("", "?feature=a&gender=Female&ageGroup=18-40&startDate=2026-01-01&endDate=2026-12-31"):
            assert client.get(f"/analytics{query}", headers=bearer).json["barChartData"]
        client.close()
    assert any("vigility_day_summaries" in statement for statement in statements)
    assert not [statement for statement in statements if re.search(r"\bvigility_events\b", statement)]


@pytest.fixture
def busy(client, bearer, v):
    """Features "00" to "11", used 1 to 12 times."""
    names = [f"{number:02}" for number in range(12) for _ in range(number + 1)]
    v.track_many([vigility.NewEvent("ada", name) for name in names])
    return lambda query: client.get(f"/analytics{query}", headers=bearer)


def test_a_limit_keeps_the_first_bars_and_says_how_much_it_leaves_out(busy):
    every = busy("?feature=03").json
    assert list(every) == ["barChartData", "lineChartData"]
    top = busy("?feature=03&limit=10").json
    assert top["barChartData"] == every["barChartData"][:10]
    assert top["lineChartData"] == every["lineChartData"]
    assert top["rest"] == {"features": 2, "count": 3}
    assert "rest" not in busy("?limit=12").json
    assert busy("?limit=").json == busy("").json


def test_without_a_limit_there_are_at_most_a_thousand_bars(client, bearer, v):
    v.track_many([vigility.NewEvent("ada", f"{number:04}") for number in range(1_003)])
    found = client.get("/analytics", headers=bearer).json
    assert [bar["feature"] for bar in found["barChartData"]] == [f"{number:04}" for number in range(1_000)]
    assert found["rest"] == {"features": 3, "count": 3}


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "1.5", "%D9%A7", "All", "9" * 5_000])
def test_another_limit_is_refused(busy, limit):
    response = busy(f"?limit={limit}")
    assert response.status_code == 400
    assert response.json["error"].startswith("limit must be a whole number from 1 to 1000, not ")


def test_a_line_of_too_many_days_is_bounded_and_says_so(client, bearer, v, clock):
    events = [vigility.NewEvent("ada", "x", at) for at in ("0001-01-01T00:00:00Z", clock.now)]
    v.events.importer(CALENDAR).store(events)
    for day in ("", "0002-09-23", "0202-09-23"):
        found = client.get(f"/analytics?feature=x&startDate={day}", headers=bearer)
        assert found.status_code == 200
        assert len(found.json["lineChartData"]) == MAX_DAYS
        assert found.json["lineChartData"][-1] == {"date": "2026-03-01", "count": 1}
        assert found.json["truncated"] == {"startDate": day or "0001-01-01", "endDate": "2026-03-01"}
    assert "truncated" not in client.get("/analytics?feature=x&startDate=2026-01-01", headers=bearer).json


def test_health_responds_while_reports_are_being_read(client, bearer, v, monkeypatch):
    released, begun = threading.Event(), threading.Semaphore(0)
    report = v.report

    def slow(**asked):
        begun.release()
        assert released.wait(60)
        return report(**asked)

    monkeypatch.setattr(v, "report", slow)
    with ThreadPoolExecutor(12) as pool:
        try:
            pending = [pool.submit(client.get, "/analytics", headers=bearer) for _ in range(12)]
            assert begun.acquire(timeout=60)
            assert client.get("/health").json == {"status": "ok"}
            assert client.post("/track", {"feature_name": "x"}, headers=bearer).status_code == 201
            assert client.get("/me", headers=bearer).status_code == 200
            assert not any(each.done() for each in pending)
        finally:
            released.set()
        assert {each.result().status_code for each in pending} == {200}
