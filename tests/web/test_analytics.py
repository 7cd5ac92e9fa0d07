import re

import pytest
from sqlalchemy import Engine, event

import vigility
from support.web_client import ADA, Client, Hasher, make_settings
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
