from datetime import UTC, datetime

import pytest

import vigility

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STORES = ("memory", "sqlite")


@pytest.fixture(params=STORES)
def open_store(request, tmp_path):
    """Opens the same empty database of each kind, as often as it is called."""
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/usage.db"}
    opened = []

    def connect():
        opened.append(vigility.connect(urls[request.param], clock=lambda: NOW))
        return opened[-1]

    yield connect
    for v in opened:
        v.close()


@pytest.fixture
def v(open_store):
    return open_store()
