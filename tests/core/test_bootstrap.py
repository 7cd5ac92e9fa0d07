from pathlib import Path

import pytest

import vigility
from vigility import InvalidInput
from vigility.bootstrap import sqlite_path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///usage.db", "usage.db"),
        ("sqlite:////var/usage.db", "/var/usage.db"),
        ("file:./dev.db", "dev.db"),
        ("file:///var/usage.db", "/var/usage.db"),
        ("usage.db", "usage.db"),
        ("/var/my usage.db", "/var/my usage.db"),
    ],
)
def test_urls_of_sqlite_files(url, path):
    assert sqlite_path(url) == Path(path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "sqlite://",
        "sqlite:///",
        "sqlite:usage.db",
        "file:",
        "mysql://localhost/x",
        "usage.db?mode=ro",
    ],
)
def test_a_url_of_no_known_kind_is_refused_with_those_that_are(url):
    with pytest.raises(InvalidInput, match=r"database must be sqlite:///PATH, file:PATH, the path"):
        vigility.connect(url)


def test_a_refused_url_does_not_show_its_password():
    with pytest.raises(InvalidInput) as refused:
        vigility.connect("mysql://root:hunter2@localhost/x")
    assert "hunter2" not in str(refused.value)


def test_a_home_directory_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    vigility.connect("~/usage.db").close()
    assert (tmp_path / "usage.db").exists()
