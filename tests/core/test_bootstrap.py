from pathlib import Path

import pytest

import vigility
from vigility import InvalidInput
from vigility.bootstrap import DatabaseUrl


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
    assert DatabaseUrl.parse(url).path == Path(path)


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
        "sqlite:///:memory:",
        "file::memory:",
    ],
)
def test_the_error_for_an_unknown_kind_of_url_names_the_known_ones(url):
    with pytest.raises(InvalidInput, match=r"database must be sqlite:///PATH, file:PATH, the path"):
        vigility.connect(url)


@pytest.mark.parametrize(
    "url", ["mysql://root:hunter2@localhost/x", "mysql://host/x?password=hunter2", "usage.db?key=hunter2"]
)
def test_the_error_for_a_url_does_not_show_its_password(url):
    with pytest.raises(InvalidInput) as refused:
        vigility.connect(url)
    assert "hunter2" not in str(refused.value)


def test_a_tilde_means_the_home_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    vigility.connect("~/usage.db").close()
    assert (tmp_path / "usage.db").exists()
