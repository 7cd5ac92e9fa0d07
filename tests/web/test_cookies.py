"""Cookies: whose they are, and when they are for TLS only."""

import pytest

from support.web_client import ADA

LOGIN = {"username": "ada", "password": ADA["password"]}
EXPIRED = "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"
CLEARED = [f"auth_token=; {EXPIRED}; HttpOnly; SameSite=Lax", f"user_data=; {EXPIRED}; SameSite=Lax"]


def log_out(client, *cookies, **headers):
    sent = {"Cookie": "; ".join(f"auth_token={value}" for value in cookies)} if cookies else {}
    response = client.post("/logout", headers=sent | headers)
    assert (response.status_code, response.json) == (200, {"message": "Logged out successfully"})
    return response.set_cookies


@pytest.mark.parametrize(
    "other", ["another-apps-session", '"quoted"', "a.b.c", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "x" * 4000]
)
def test_the_cookie_of_another_application_is_left_alone(client, token, other):
    assert log_out(client, other) == []
    assert log_out(client, other, Authorization=f"Bearer {token}") == []
    assert client.get("/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_our_cookie_is_cleared(client, token):
    assert log_out(client, token) == CLEARED
    assert log_out(client, token) == CLEARED, "also when it was revoked before"
    assert log_out(client) == CLEARED, "the contract's client needs no token"


def test_our_cookie_is_cleared_beside_another_of_its_name(client, token):
    assert log_out(client, "another-apps-session", token) == CLEARED
    assert client.get("/me", headers={"Cookie": f"auth_token={token}"}).status_code == 401


@pytest.mark.parametrize(
    "other",
    [
        "another-apps-user",
        "%7B%22id%22%3A1%7D",
        '{"id":1,"username":"x","age":1,"gender":"Male","role":"admin"}'.replace('"', "%22").replace(
            ",", "%2C"
        ),
        "%5B%22id%22%5D",
        "[" * 2000,
        "%FF",
        "",
    ],
)
def test_another_applications_cookie_with_the_name_of_our_second_one_is_left_alone(client, token, other):
    cookies = {"Cookie": f"user_data={other}"}
    assert log_out(client, **cookies) == CLEARED[:1]
    assert log_out(client, **cookies, Authorization=f"Bearer {token}") == CLEARED[:1]
    cookies = {"Cookie": f"user_data={other}; auth_token={token}"}
    assert log_out(client, **cookies) == CLEARED[:1]


def test_our_second_cookie_is_cleared_beside_another_of_its_name(client, token):
    ours = client.post("/login", LOGIN).set_cookies[1].partition(";")[0]
    assert log_out(client, Cookie=ours) == CLEARED
    assert log_out(client, Cookie=f"user_data=theirs; {ours}; auth_token={token}") == CLEARED


def test_our_expired_cookie_is_cleared(client, token, clock):
    clock.move(hours=25)
    assert log_out(client, token) == CLEARED


def is_secure(response):
    cookies = response.set_cookies
    assert len(cookies) == 2
    assert {cookie.endswith("SameSite=Lax; Secure") for cookie in cookies} == {"; Secure" in cookies[0]}
    return "; Secure" in cookies[0]


@pytest.mark.parametrize(
    ("header", "peer", "secure"),
    [
        ("https", "10.0.0.1", True),
        (" HTTPS ", "10.0.0.1", True),
        ("https, http", "10.0.0.1", True),  # the proxy nearest to the client ends TLS
        ("https", "::ffff:10.0.0.1", True),
        ("http", "10.0.0.1", False),
        ("http, https", "10.0.0.1", False),
        ("", "10.0.0.1", False),
        ("httpsx", "10.0.0.1", False),
        ("https", "192.0.2.1", False),  # anybody can send the header
        (None, "10.0.0.1", False),
    ],
)
def test_cookies_are_for_tls_only_if_the_client_used_https(open_client, header, peer, secure):
    client = open_client(trusted_proxies="10.0.0.0/8")
    headers = {} if header is None else {"X-Forwarded-Proto": header}
    assert is_secure(client.post("/register", ADA, headers=headers, client=peer)) == secure
    login = client.post("/login", LOGIN, headers=headers, client=peer)
    assert is_secure(login) == secure
    cookie = {"Cookie": f"auth_token={login.json['token']}"}
    assert is_secure(client.post("/logout", headers=headers | cookie, client=peer)) == secure


def test_nobody_is_trusted_by_default(client):
    assert not is_secure(client.post("/register", ADA, headers={"X-Forwarded-Proto": "https"}))


def test_the_server_itself_may_provide_tls(client, monkeypatch):
    exchange = client._app.__class__.__call__

    async def over_tls(app, scope, receive, send):
        await exchange(app, scope | {"scheme": "https"}, receive, send)

    monkeypatch.setattr(client._app.__class__, "__call__", over_tls)
    assert is_secure(client.post("/register", ADA))
