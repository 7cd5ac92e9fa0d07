from datetime import UTC, datetime

import pytest

import vigility
from support import postgres

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
A_CENTURY = 36_525  # days: some events are from before 1970, where numbers of days are negative
BACKENDS = ("memory", "sqlite", postgres.PARAM)


@pytest.fixture(params=BACKENDS)
def url(request, tmp_path):
    """An empty database of each kind."""
    if request.param != "postgres":
        yield {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/usage.db"}[request.param]
        return
    with postgres.temporary_database() as url:
        yield url


@pytest.fixture
def open_database(url):
    """Opens the same database at each call."""
    opened = []

    def connect():
        opened.append(vigility.connect(url, clock=lambda: NOW, oldest_event_days=A_CENTURY))
        return opened[-1]

    yield connect
    for v in opened:
        v.close()


@pytest.fixture
def v(open_database):
    return open_database()
