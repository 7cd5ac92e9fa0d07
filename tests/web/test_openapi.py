"""/openapi.json describes every route. `web_client` checks that it describes every status too."""

import falcon.inspect
import pytest

from support.web_client import DOCUMENT, make_settings
from vigility.web.app import create_app

WITHOUT_OPERATIONS = {"HEAD", "OPTIONS"}  # HEAD responds as GET; OPTIONS is for CORS


def test_the_document_describes_exactly_the_routes(v):
    app = create_app(v, make_settings())
    routed = {
        (method.method, route.path.replace(":path}", "}"))
        for route in falcon.inspect.inspect_routes(app)
        for method in route.methods
        if not method.internal and method.method not in WITHOUT_OPERATIONS
    }
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert routed == described


def test_every_route_with_get_has_head(v):
    for route in falcon.inspect.inspect_routes(create_app(v, make_settings())):
        methods = {method.method for method in route.methods if not method.internal}
        assert ("GET" in methods) == ("HEAD" in methods), route.path


def test_the_document_is_served(client):
    assert client.get("/openapi.json").json == DOCUMENT
    assert DOCUMENT["openapi"] == "3.1.0"


def test_operation_ids_are_unique():
    names = [operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))


def test_the_docs_page_shows_every_operation_and_uses_no_other_host(client):
    response = client.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    for path, methods in DOCUMENT["paths"].items():
        for method in methods:
            assert f"<h2>{method.upper()} {path}</h2>" in response.text
    assert "//" not in response.text.replace("https://www.w3.org", "")
    assert "<script" not in response.text
    assert "style=" not in response.text


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/", "/static/docs.css"])
def test_cached_content_is_not_sent_again(client, path):
    tag = client.get(path).headers["etag"]
    for header in (tag, f"W/{tag}", f'"x", {tag}'):
        again = client.get(path, headers={"If-None-Match": header})
        assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
