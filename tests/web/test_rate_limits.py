"""Rate limits of signing in and registering."""

import logging

import pytest

from support.web_client import ADA

LOGIN = {"username": "ada", "password": "wrong password"}


def statuses(client, count, path="/login", body=LOGIN, **sent):
    return [client.post(path, body, **sent).status_code for _ in range(count)]


def test_an_account_is_limited_across_addresses(open_client):
    client = open_client(attempts_per_account=3)
    responses = [client.post("/login", LOGIN, client=f"10.0.0.{n}") for n in range(4)]
    assert [response.status_code for response in responses] == [400, 400, 400, 429]
    assert 0 < int(responses[3].headers["retry-after"]) <= 600
    assert client.post("/login", LOGIN | {"username": "bob"}).status_code == 400


def test_an_address_is_limited_across_accounts(open_client):
    client = open_client(attempts_per_address=3)
    responses = [client.post("/login", LOGIN | {"username": f"user{n}"}) for n in range(4)]
    assert [response.status_code for response in responses] == [400, 400, 400, 429]
    assert client.post("/login", LOGIN, client="10.9.9.9").status_code == 400


def test_registering_and_signing_in_are_limited_separately(open_client):
    client = open_client(attempts_per_account=2)
    assert statuses(client, 3, "/register", ADA) == [201, 400, 429]
    assert statuses(client, 3) == [400, 400, 429]


def test_attempts_become_available_one_by_one(open_client, clock):
    client = open_client(attempts_per_account=3, attempts_window_minutes=30)
    assert statuses(client, 4) == [400, 400, 400, 429]
    clock.move(minutes=10)
    assert statuses(client, 2) == [400, 429]
    clock.move(minutes=30)
    assert statuses(client, 4) == [400, 400, 400, 429]


def test_an_attempt_succeeds_after_retry_after(open_client, clock):
    client = open_client(attempts_per_account=1)
    client.post("/login", LOGIN)
    wait = int(client.post("/login", LOGIN).headers["retry-after"])
    clock.move(seconds=wait - 1)
    assert client.post("/login", LOGIN).status_code == 429
    clock.move(seconds=1)
    assert client.post("/login", LOGIN).status_code == 400


def test_a_refused_attempt_costs_no_comparison(open_client, hasher):
    client = open_client(attempts_per_account=1)
    statuses(client, 3)
    assert hasher.calls == ["verify"]


def test_limits_hold_across_workers(open_client):
    workers = [open_client(attempts_per_account=4) for _ in range(2)]
    responses = [workers[n % 2].post("/login", LOGIN).status_code for n in range(6)]
    assert responses == [400, 400, 400, 400, 429, 429]


def test_limits_can_be_switched_off_with_a_warning(open_client, caplog):
    with caplog.at_level(logging.WARNING):
        client = open_client(attempts_per_account=1, rate_limit="off")
    assert "NOT LIMITED" in caplog.text
    assert statuses(client, 5) == [400] * 5


def test_an_ipv6_network_of_64_bits_counts_as_one_address(open_client):
    client = open_client(attempts_per_address=2)
    addresses = ["2001:db8::1", "2001:db8::ffff:2", "2001:db8::3"]
    assert [client.post("/login", LOGIN, client=address).status_code for address in addresses] == [
        400,
        400,
        429,
    ]
    assert client.post("/login", LOGIN, client="2001:db8:0:1::1").status_code == 400


def test_x_forwarded_for_is_ignored_from_other_peers(open_client):
    client = open_client(attempts_per_address=2)
    responses = [
        client.post("/login", LOGIN, headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(3)
    ]
    assert responses == [400, 400, 429]


@pytest.mark.parametrize(
    ("forwarded", "peer", "address"),
    [
        ("203.0.113.7", "10.0.0.1", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7", "10.0.0.1", "203.0.113.7"),  # the client can write anything on the left
        ("203.0.113.7, 10.0.0.9", "10.0.0.1", "203.0.113.7"),  # two trusted proxies
        ("203.0.113.7", "192.0.2.1", "192.0.2.1"),  # not a trusted proxy
        ("", "10.0.0.1", "10.0.0.1"),
        ("garbage", "10.0.0.1", "10.0.0.1"),
        ("203.0.113.7, garbage", "10.0.0.1", "10.0.0.1"),
        ("10.0.0.5, 10.0.0.9", "10.0.0.1", "10.0.0.5"),
        ("::ffff:203.0.113.7", "::ffff:10.0.0.1", "203.0.113.7"),
        ("2001:db8::1", "10.0.0.1", "2001:db8::1"),
        ("203.0.113.7:50000, 10.0.0.9:50001", "10.0.0.1", "203.0.113.7"),
        ("[2001:db8::1]:50000", "10.0.0.1", "2001:db8::1"),
        ("[2001:db8::1]", "10.0.0.1", "2001:db8::1"),
        ("[::ffff:203.0.113.7", "10.0.0.1", "203.0.113.7"),
    ],
)
def test_the_client_address_behind_trusted_proxies(open_client, forwarded, peer, address):
    client = open_client(attempts_per_address=1, trusted_proxies="10.0.0.0/8")
    client.post("/login", LOGIN, headers={"X-Forwarded-For": forwarded}, client=peer)
    direct = open_client(attempts_per_address=1)
    assert direct.post("/login", LOGIN, client=address).status_code == 429
