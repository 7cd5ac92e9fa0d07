import pytest

from vigility.web.http.static_files import StaticFiles


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/dashboard"])
def test_the_dashboard_is_served_at_each_of_its_paths(client, path):
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert response.content == client.get("/").content


def test_only_files_with_known_types_are_served(tmp_path):
    (tmp_path / "js").mkdir()
    for name in ("index.html", "js/a.js", "a.css", "a.svg", "secret.env", "a.py"):
        (tmp_path / name).write_text(name)
    static_files = StaticFiles(tmp_path)
    assert static_files.index.content == b"index.html"
    assert static_files.file("js/a.js").content == b"js/a.js"
    for never in ("secret.env", "a.py", "../tests/conftest.py", "js/../a.css", "", "js", "/etc/passwd"):
        assert static_files.file(never) is None


def test_a_stylesheet_is_served_with_its_type(client):
    assert client.get("/static/docs.css").headers["content-type"] == "text/css; charset=utf-8"
