"""The statements that read reports are built once, not for each report."""

from itertools import combinations

import pytest
from sqlalchemy import Engine, event

from support import postgres
from vigility import Filters
from vigility.core.reports.query import Query


@pytest.fixture(params=["sqlite", postgres.PARAM])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/usage.db"
        return
    with postgres.temporary_database() as url:
        yield url


@pytest.fixture
def executed():
    """Every statement object that SQLAlchemy is given."""
    found = []

    def note(_connection, statement, *_):
        found.append(statement)

    event.listen(Engine, "before_execute", note)
    yield found
    event.remove(Engine, "before_execute", note)


FILTERS = (
    {"start": "2026-01-01", "end": "2026-03-01", "age_group": "<18", "gender": "Female"},
    {"start": "2026-02-01", "end": "2026-02-27", "age_group": "18-40", "gender": "Male"},
)
NAMED = [names for size in range(len(FILTERS[0]) + 1) for names in combinations(FILTERS[0], size)]


@pytest.mark.parametrize("limit", [None, 1])
@pytest.mark.parametrize("names", NAMED, ids=lambda names: "-".join(names) or "none")
def test_reports_under_the_same_filters_share_their_statements(v, executed, names, limit):
    for name, age, gender in (("ada", 16, "Female"), ("bob", 30, "Male")):
        v.users.add_without_password(name, age, gender)
        v.track(name, "a", "2026-02-15T12:00:00Z")
    asked = [
        Query(filters=Filters(**{name: values[name] for name in names}), series_of=("a",), limit=limit)
        for values in FILTERS
    ]
    runs = []
    for query in asked:
        executed.clear()
        assert v.report(query=query).total == (1 if {"age_group", "gender"} & set(names) else 2)
        runs.append(list(executed))
    first, second = runs
    assert len(first) == len(second) == (3 if limit is None else 4)
    assert all(map(lambda one, other: one is other, first, second))
