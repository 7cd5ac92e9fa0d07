"""Rate limits of signing in and registering."""

import logging

import pytest

from support.web_client import ADA
from vigility.core.errors import StoreUnavailable
from vigility.web.http.fair_queue import QueueRefused

LOGIN = {"username": "ada", "password": "wrong password"}


def statuses(client, count, path="/login", body=LOGIN, **sent):
    return [client.post(path, body, **sent).status_code for _ in range(count)]


RIGHT = LOGIN | {"password": ADA["password"]}


@pytest.fixture
def ada(open_client):
    """Ada has an account."""
    open_client().register()


@pytest.fixture
def stranger(open_client, v):
    """Ada has an account, and has not signed in from anywhere for long."""
    open_client().register()
    v.users.known_networks._repository.clear()


@pytest.mark.usefixtures("stranger")
def test_one_network_cannot_lock_the_owner_out(open_client):
    client = open_client()
    attack = [client.post("/login", LOGIN, client="192.0.2.66").status_code for _ in range(31)]
    assert attack[29:] == [400, 429]
    assert client.post("/login", RIGHT, client="192.0.2.66").status_code == 429
    assert client.post("/login", RIGHT, client="10.0.0.1").status_code == 200


@pytest.mark.usefixtures("stranger")
def test_an_account_is_limited_more_slowly_over_all_networks_together(open_client, clock):
    client = open_client(attempts_per_account=3, attempts_window_minutes=30)
    tried = [client.post("/login", LOGIN, client=f"10.0.0.{n}") for n in range(10)]
    assert [response.status_code for response in tried] == [400] * 9 + [429]
    assert client.post("/login", LOGIN | {"username": "bob"}, client="10.0.0.9").status_code == 400
    assert int(tried[-1].headers["retry-after"]) == 3600  # 30 minutes x 18 / 9
    clock.move(hours=1)
    assert client.post("/login", RIGHT, client="10.0.0.10").status_code == 200


@pytest.mark.usefixtures("ada")
def test_a_network_that_signed_in_before_is_not_locked_out_by_others(open_client, clock):
    client = open_client(attempts_per_account=3)
    clock.move(days=80)
    assert client.post("/login", RIGHT, client="10.7.7.7").status_code == 200
    clock.move(days=80)
    attack = [client.post("/login", LOGIN, client=f"192.0.2.{n}").status_code for n in range(12)]
    assert attack[-3:] == [429] * 3
    assert client.post("/login", LOGIN, client="10.7.7.7").status_code == 400  # a slip
    assert client.post("/login", RIGHT, client="10.7.7.7").status_code == 200
    clock.move(days=91)
    for n in range(12):
        client.post("/login", LOGIN, client=f"192.0.2.{n}")
    assert client.post("/login", RIGHT, client="10.7.7.7").status_code == 429


@pytest.mark.usefixtures("ada")
def test_the_network_from_which_an_account_was_registered_is_known(open_client):
    client = open_client(attempts_per_account=1)
    for n in range(4):
        client.post("/login", LOGIN, client=f"192.0.2.{n}")
    assert client.post("/login", RIGHT, client="10.9.9.9").status_code == 429
    assert client.post("/login", RIGHT).status_code == 200


@pytest.mark.usefixtures("ada")
def test_a_known_network_is_known_to_its_own_account_only(open_client):
    client = open_client(attempts_per_account=1)
    client.register(username="bob")
    for n in range(4):
        client.post("/login", LOGIN | {"username": "eve"}, client=f"192.0.2.{n}")
    assert client.post("/login", LOGIN | {"username": "eve"}).status_code == 429


def test_an_address_is_limited_across_accounts(open_client):
    client = open_client(attempts_per_address=3)
    responses = [client.post("/login", LOGIN | {"username": f"user{n}"}) for n in range(4)]
    assert [response.status_code for response in responses] == [400, 400, 400, 429]
    assert client.post("/login", LOGIN, client="10.9.9.9").status_code == 400


@pytest.mark.usefixtures("ada")
def test_right_sign_ins_do_not_count(open_client):
    client = open_client(attempts_per_account=2, attempts_per_address=3)
    assert statuses(client, 20, body=RIGHT) == [200] * 20
    assert statuses(client, 3) == [400, 400, 429]


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("name", ["ada ", " ada", "\u00a0ada"])
def test_an_account_has_one_name_whatever_spaces_were_typed(open_client, name):
    client = open_client(attempts_per_account=2)
    assert client.post("/login", RIGHT | {"username": name}).status_code == 200
    assert statuses(client, 2, body=LOGIN | {"username": name}) == [400, 400]
    assert statuses(client, 1) == [429]


def test_registering_and_signing_in_are_limited_separately(open_client):
    client = open_client(attempts_per_account=2)
    assert statuses(client, 4, "/register", ADA) == [201, 400, 400, 429]
    assert statuses(client, 3) == [400, 400, 429]


def test_others_cannot_keep_a_name_from_being_registered(open_client):
    client = open_client(attempts_per_account=2)
    client.register()
    for n in range(20):
        client.post("/register", ADA, client=f"192.0.2.{n}")
    assert client.post("/register", ADA | {"username": "bob"}, client="10.7.7.7").status_code == 201
    assert client.post("/register", ADA, client="10.7.7.7").json == {"error": "Username already exists"}


def test_a_registration_that_breaks_a_rule_does_not_count(open_client):
    client = open_client(attempts_per_account=1, attempts_per_address=1)
    assert statuses(client, 5, "/register", ADA | {"age": 0}) == [400] * 5
    assert statuses(client, 1, "/register", ADA) == [201]


def test_one_network_registers_ten_times_as_many_accounts_at_most(open_client):
    client = open_client(attempts_per_address=2)
    names = [client.post("/register", ADA | {"username": f"user{n}"}).status_code for n in range(21)]
    assert names == [201] * 20 + [429]
    assert client.post("/register", ADA, client="10.9.9.9").status_code == 201


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


def test_an_ipv6_network_of_48_bits_may_fail_four_times_as_often(open_client):
    client = open_client(attempts_per_address=2)
    tried = [
        client.post("/login", LOGIN | {"username": f"user{n}"}, client=f"2001:db8:0:{n:x}::1").status_code
        for n in range(9)
    ]
    assert tried == [400] * 8 + [429]
    assert client.post("/login", LOGIN, client="2001:db8:1::1").status_code == 400


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("address", ["local", "fe80::1%eth0", "::ffff:192.0.2.1", ""])
def test_every_address_can_sign_in(open_client, address):
    assert open_client().post("/login", RIGHT, client=address).status_code == 200


@pytest.mark.usefixtures("ada")
def test_a_sign_in_without_a_place_in_the_queue_uses_up_no_attempt(open_client, monkeypatch):
    client = open_client(attempts_per_account=1, attempts_per_address=1)

    async def refused(*_):
        raise QueueRefused

    with monkeypatch.context() as full:
        full.setattr("vigility.web.http.fair_queue.FairQueue.enter", refused)
        assert statuses(client, 5) == [503] * 5
    assert statuses(client, 2) == [400, 429]


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("failing", ["release", "remember"])
def test_a_right_sign_in_succeeds_though_nothing_can_be_noted(open_client, v, monkeypatch, failing):
    def unavailable(*_):
        raise StoreUnavailable("usage.db: disk I/O error")

    owner = v.users.rate_limits if failing == "release" else v.users.known_networks
    monkeypatch.setattr(owner, failing, unavailable)
    assert open_client().post("/login", RIGHT).status_code == 200


@pytest.mark.usefixtures("ada")
def test_a_sign_in_that_the_database_failed_does_not_count(open_client, v, monkeypatch):
    client = open_client(attempts_per_account=1)

    def unavailable(*_):
        raise StoreUnavailable("usage.db: disk I/O error")

    with monkeypatch.context() as down:
        down.setattr(v.users, "authenticate", unavailable)
        assert statuses(client, 3, body=RIGHT) == [503] * 3
    assert statuses(client, 1, body=RIGHT) == [200]


@pytest.mark.usefixtures("ada")
def test_an_attempt_counts_while_it_is_being_hashed(open_client, v, monkeypatch):
    """Attempts in parallel cannot exceed a limit. The second one comes from another worker."""
    first, second = open_client(attempts_per_account=1), open_client(attempts_per_account=1)
    authenticate, inner = v.users.authenticate, []

    def meanwhile(*credentials):
        if not inner:
            inner.append(None)
            inner[0] = second.post("/login", LOGIN).status_code
        return authenticate(*credentials)

    monkeypatch.setattr(v.users, "authenticate", meanwhile)
    assert (first.post("/login", LOGIN).status_code, inner) == (400, [429])


def test_ipv4_clients_behind_a_translator_are_limited_one_by_one(open_client):
    client = open_client(attempts_per_address=1)
    addresses = ["64:ff9b::192.0.2.1", "64:ff9b::192.0.2.2", "64:ff9b::c000:201", "192.0.2.2"]
    statuses = [client.post("/login", LOGIN, client=address).status_code for address in addresses]
    assert statuses == [400, 400, 429, 429]


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
