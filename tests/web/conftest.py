import pytest

import vigility
from support.web_client import Client, Clock, Hasher, make_settings
from vigility.web.app import create_app


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def hasher():
    return Hasher()


@pytest.fixture
def v(clock, hasher):
    return vigility.connect("memory:", clock=clock, hasher=hasher)


@pytest.fixture
def open_client(v, clock):
    """Opens clients of applications over `v`, each with its own settings."""
    opened = []

    def client_of(**changed):
        opened.append(Client(create_app(v, make_settings(**changed), clock)))
        return opened[-1]

    yield client_of
    for client in opened:
        client.close()


@pytest.fixture
def client(open_client):
    return open_client()


@pytest.fixture
def token(client):
    return client.register()


@pytest.fixture
def bearer(token):
    return {"Authorization": f"Bearer {token}"}
