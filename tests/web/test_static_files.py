import pytest

from vigility.web.http.static_files import Pages


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/dashboard"])
def test_the_page_answers_at_each_of_its_addresses(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.content == client.get("/").content


def test_files_have_their_types(tmp_path):
    (tmp_path / "js").mkdir()
    for name in ("index.html", "js/a.js", "a.css", "a.svg", "secret.env", "a.py"):
        (tmp_path / name).write_text(name)
    pages = Pages(tmp_path)
    assert pages.index.content == b"index.html"
    assert pages.file("js/a.js").content == b"js/a.js"
    for never in ("secret.env", "a.py", "../tests/conftest.py", "js/../a.css", "", "js", "/etc/passwd"):
        assert pages.file(never) is None


def test_a_script_is_served_as_one(client):
    assert client.get("/static/docs.css").headers["content-type"] == "text/css; charset=utf-8"
