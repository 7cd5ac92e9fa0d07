"""gunicorn's command line names modules: what users have in their scripts still works, and warns."""

import importlib
import sys

import pytest

from vigility.web.server.worker import Worker


@pytest.fixture(autouse=True)
def imported_anew(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("asgi", "gunicorn_conf", "worker"):
        monkeypatch.delitem(sys.modules, f"vigility.web.{name}", raising=False)


def load(name):
    old, new = f"vigility.web.{name}", f"vigility.web.server.{name}"
    with pytest.warns(DeprecationWarning, match=f"{old} is deprecated: use {new}"):
        return importlib.import_module(old)


def test_the_application():
    from vigility.web.server.asgi import app

    assert load("asgi").app is app


def test_the_worker():
    assert load("worker").Worker is Worker


def test_the_configuration(monkeypatch):
    monkeypatch.delitem(sys.modules, "vigility.web.server.gunicorn_conf", raising=False)
    configuration = load("gunicorn_conf")
    assert configuration.worker_class == "vigility.web.server.worker.Worker"
    assert configuration.proc_name == "vigility"
