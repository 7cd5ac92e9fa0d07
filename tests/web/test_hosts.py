"""The host names under which the server responds."""

import logging

import pytest

from vigility.config import Settings
from vigility.web.middleware.hosts import _MAX_ACCEPTED, AllowedHosts

HEALTH = "/health"


def status(client, host, path=HEALTH):
    return client.send("GET", path, host=host).status_code


ALWAYS = [
    b"localhost",
    b"localhost:8002",
    b"LocalHost:1",
    b"localhost.",
    b"app.localhost:3000",
    b"127.0.0.1",
    b"127.0.0.1:8002",
    b"127.1.2.3",
    b"[::1]",
    b"[::1]:8002",
    b"[0:0:0:0:0:0:0:1]:8002",
    b"[::ffff:127.0.0.1]:8002",
    b"[::ffff:7f00:1]",
    None,  # HTTP/1.0
]
NEVER = [
    b"evil.example",
    b"evil.example:8002",
    b"localhost.evil.example",
    b"127.0.0.1.evil.example",
    b"evillocalhost",
    b":8002",
    b"[",
    b"\xff",
    b"localhost,evil.example",
    b"localhost@evil.example",
    b"192.0.2.1",
    b"[2001:db8::1]:8002",
    b"[::ffff:192.0.2.1]:8002",
    b"0.0.0.0",
    b"x" * 10_000,
]


@pytest.mark.parametrize("host", ALWAYS)
def test_loopback_is_always_allowed(open_client, host):
    assert status(open_client(allowed_hosts=""), host) == 200
    assert status(open_client(allowed_hosts="usage.example"), host) == 200


@pytest.mark.parametrize("host", NEVER, ids=lambda host: host[:30].decode("latin-1"))
def test_another_host_gets_421_that_names_the_setting(open_client, host, caplog):
    client = open_client(allowed_hosts="usage.example")
    with caplog.at_level(logging.WARNING, "vigility.web"):
        for path in (HEALTH, "/", "/metrics", "/dashboard"):
            response = client.send("GET", path, host=host)
            assert response.status_code == 421
            assert "add the name to VIGILITY_ALLOWED_HOSTS" in response.json["error"]
            assert len(response.json["error"]) < 600
    assert len(caplog.records) == 4
    assert client.send("POST", "/logout", host=host).status_code == 421
    assert client.send("POST", "/logout", host=host).set_cookies == []


@pytest.mark.parametrize(
    ("setting", "host", "expected"),
    [
        ("usage.example", b"usage.example", 200),
        ("Usage.Example", b"usage.EXAMPLE:8443", 200),
        ("usage.example", b"www.usage.example", 421),
        ("usage.example., other.example", b"other.example.", 200),
        ("*.example.org", b"a.b.example.org", 200),
        ("*.example.org", b"example.org", 421),
        ("*.example.org", b"evilexample.org", 421),
        ("192.0.2.1,[2001:db8::1]", b"[2001:DB8:0::1]:80", 200),
        ("192.0.2.1", b"192.0.2.1:80", 200),
        ("*", b"anything.at.all", 200),
    ],
)
def test_the_setting_adds_hosts(open_client, setting, host, expected):
    assert status(open_client(allowed_hosts=setting), host) == expected


@pytest.mark.parametrize(
    ("listening", "host", "expected"),
    [
        ("192.0.2.1", b"192.0.2.1:8002", 200),
        ("192.0.2.1", b"192.0.2.2:8002", 421),
        ("usage-server", b"usage-server:8002", 200),
        ("0.0.0.0", b"192.0.2.1:8002", 200),  # noqa: S104 - a load balancer that checks /health by address
        ("::", b"192.0.2.1:8002", 200),
        ("::", b"[2001:db8::1]:8002", 200),
        ("::1", b"[::1]:8002", 200),
        ("0.0.0.0", b"evil.example", 421),  # noqa: S104
        ("::", b"evil.example", 421),
    ],
)
def test_the_address_to_listen_on_is_allowed(open_client, listening, host, expected):
    client = open_client(host=listening, allowed_hosts="")
    assert [status(client, host, path) for path in (HEALTH, "/metrics")] == [expected] * 2


def test_the_host_of_the_front_end_is_allowed(open_client):
    client = open_client(frontend_url="https://App.example:8443", allowed_hosts="")
    assert status(client, b"app.example") == 200
    assert status(client, b"other.example") == 421


def test_an_empty_header_names_no_host():
    assert not AllowedHosts([], "", None).accepts(b"")


def test_what_was_accepted_is_remembered_within_bounds():
    hosts = AllowedHosts([], "127.0.0.1", None)
    for port in range(3 * _MAX_ACCEPTED):
        assert hosts.accepts(f"localhost:{port}".encode())
        assert not hosts.accepts(f"evil.example:{port}".encode())
    assert 0 < len(hosts.accepted) <= _MAX_ACCEPTED + 1
    assert not [host for host in hosts.accepted if host and b"evil" in host]


@pytest.mark.parametrize("bad", ["https://usage.example", "usage.example:443", "a b", "*.", "a/b", "**", "é"])
def test_a_value_that_is_not_a_host_name_is_refused(bad):
    with pytest.raises(ValueError, match="must be host names without scheme and port, like "):
        Settings(allowed_hosts=bad)
