"""CORS, and the protection against requests that another site sends with a user's cookie."""

import logging

import pytest

from support.web_client import ADA

FRONT_END = "http://localhost:3000"


@pytest.mark.parametrize("path", ["/register", "/login", "/logout", "/track", "/analytics", "/me"])
def test_a_preflight_of_the_front_end(client, path):
    headers = {"Origin": FRONT_END, "Access-Control-Request-Method": "POST"}
    response = client.request("OPTIONS", path, headers=headers)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == FRONT_END
    assert response.headers["access-control-allow-credentials"] == "true"
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "Content-Type" in response.headers["access-control-allow-headers"]
    assert "Authorization" in response.headers["access-control-allow-headers"]


@pytest.mark.parametrize("path", ["/health", "/me", "/nope", "/", "/track"])
def test_the_front_end_may_read_responses(client, path):
    response = client.get(path, headers={"Origin": FRONT_END})
    assert response.headers["access-control-allow-origin"] == FRONT_END
    assert response.headers["access-control-allow-credentials"] == "true"


OTHER_ORIGINS = [
    "https://evil.example",
    "null",
    "http://localhost:3001",
    "https://localhost:3000",
    "http://localhost:3000.evil.example",
    "http://LOCALHOST:3000/",
    "*",
    "",
]


@pytest.mark.parametrize("origin", OTHER_ORIGINS)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_another_origin_gets_no_cors_headers(client, origin, method):
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    response = client.request(method, "/health", headers=headers)
    assert response.status_code in {200, 204}
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_the_setting_replaces_the_default_front_end(open_client):
    client = open_client(frontend_url="https://app.example:443/somewhere?x")
    assert (
        "access-control-allow-origin"
        in client.get("/health", headers={"Origin": "https://app.example"}).headers
    )
    assert "access-control-allow-origin" not in client.get("/health", headers={"Origin": FRONT_END}).headers


def send_with_cookie(client, token, path="/track", **headers):
    headers = {"Cookie": f"auth_token={token}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return client.post(path, {"feature_name": "a"} if path == "/track" else None, headers=headers).status_code


@pytest.mark.parametrize(
    "origin", [*OTHER_ORIGINS[:-1], "https://api.example.evil.example", "https://evil.example:80"]
)
@pytest.mark.parametrize("path", ["/track", "/logout"])
def test_another_origin_cannot_use_the_cookie(client, token, path, origin):
    assert send_with_cookie(client, token, path, Origin=origin) == 403
    assert client.get("/me", headers={"Cookie": f"auth_token={token}"}).status_code == 200


def test_a_cross_site_request_without_an_origin_cannot_use_the_cookie(client, token):
    assert send_with_cookie(client, token, Sec_Fetch_Site="cross-site") == 403


def test_requests_that_may_use_the_cookie(client, token):
    assert send_with_cookie(client, token, Origin=FRONT_END, Sec_Fetch_Site="same-site") == 201
    assert send_with_cookie(client, token, Origin="http://api.example") == 201  # the dashboard served here
    assert (
        send_with_cookie(client, token, Origin="https://api.example") == 201
    )  # the same, behind a proxy that ends TLS
    assert send_with_cookie(client, token) == 201  # curl


def test_the_dashboard_on_another_port(client, token):
    headers = [(b"cookie", f"auth_token={token}".encode()), (b"origin", b"http://127.0.0.1:8002")]
    raw = [*headers, (b"content-type", b"application/json")]
    client_host = b"127.0.0.1:8002"
    scope_headers = [(b"host", client_host), *raw]
    response = client.send("POST", "/track", b"", scope_headers, [b'{"feature_name":"a"}'], host=None)
    assert response.status_code == 201


def test_a_refusal_says_which_headers_differ_and_what_to_configure(client, token, caplog):
    """With nginx's default, Host is the address that nginx itself uses."""
    headers = [(b"cookie", f"auth_token={token}".encode()), (b"origin", b"http://usage.example:8141")]
    with caplog.at_level(logging.WARNING, "vigility.web"):
        response = client.send("POST", "/logout", b"", headers, host=b"127.0.0.1:8002")
    assert response.status_code == 403
    for said in (response.json["error"], caplog.text):
        assert "the header Origin is 'http://usage.example:8141', but Host is '127.0.0.1:8002'" in said
        assert "nginx: proxy_set_header Host $http_host" in said
        assert "FRONTEND_URL" in said


@pytest.mark.parametrize("origin", ["é" * 500, "a\x1b[0m\u202e", "null", ""])
def test_a_refusal_shows_any_origin_harmlessly(client, token, origin):
    headers = [(b"cookie", f"auth_token={token}".encode()), (b"origin", origin.encode("utf-8"))]
    response = client.send("POST", "/logout", b"", headers)
    assert response.status_code == 403
    assert response.json["error"].isascii()
    assert len(response.json["error"]) < 1000


def test_a_refusal_of_a_request_without_origin_names_the_other_header(client, token):
    headers = {"Cookie": f"auth_token={token}", "Sec-Fetch-Site": "cross-site"}
    error = client.post("/logout", headers=headers).json["error"]
    assert error == "This origin may not act with a cookie: the header Sec-Fetch-Site is 'cross-site'"


def test_a_bearer_token_may_be_used_from_any_origin(client, bearer, token):
    evil = bearer | {"Origin": "https://evil.example"}
    assert client.post("/track", {"feature_name": "a"}, headers=evil).status_code == 201
    with_cookie = {
        "Authorization": "Bearer bad",
        "Cookie": f"auth_token={token}",
        "Origin": "https://evil.example",
    }
    assert client.post("/track", {"feature_name": "a"}, headers=with_cookie).status_code == 401


def test_a_form_of_another_site_clears_no_cookies(client):
    """The browser does not send the SameSite=Lax cookies with it, but would clear them on such a response."""
    response = client.post(
        "/logout", headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    )
    assert response.status_code == 200
    assert "set-cookie" not in response.headers
    assert "set-cookie" in client.post("/logout", headers={"Origin": FRONT_END}).headers


def test_another_site_cannot_replace_a_session_by_signing_in(client, token):
    login = {"username": "ada", "password": ADA["password"]}
    headers = {"Cookie": f"auth_token={token}", "Origin": "https://evil.example"}
    assert client.post("/login", login, headers=headers).status_code == 403
    assert client.post("/login", login, headers={"Origin": "https://evil.example"}).status_code == 200
