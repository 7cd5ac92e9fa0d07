"""Signing in, staying signed in and signing out, as people and attackers do it.

Comments say the item of issue 11 and the number of the input among those found in the field.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partialmethod

import bcrypt
import pytest

import vigility
from support import nginx, postgres
from support.web_client import ADA, Client, Clock, Hasher, make_settings
from support.web_server import free_port, running, wait_until
from vigility.auth.passwords import BcryptHasher
from vigility.auth.tokens import Tokens
from vigility.core.errors import InvalidCredentials
from vigility.core.times import to_micros
from vigility.web.app import create_app
from vigility.web.http.fair_queue import FairQueue

RIGHT = {"username": "ada", "password": ADA["password"]}
WRONG = RIGHT | {"password": "a wrong password"}
OWNER, ATTACKER = "198.51.100.7", "203.0.113.66"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def v(clock):
    with vigility.connect("memory:", clock=clock, hasher=Hasher()) as opened:
        yield opened


@pytest.fixture
def client(v, clock):
    client = Client(create_app(v, make_settings(), clock))
    yield client
    client.close()


@pytest.fixture
def ada(client):
    """The token with which Ada registered, at home."""
    response = client.post("/register", ADA, client=OWNER)
    return response.json["token"]


def sign_in(client, credentials, address):
    return client.post("/login", credentials, client=address).status_code


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_10_15_log_out_leaves_the_cookie_of_another_application(client):  # item 10, input 15
    response = client.post("/logout", headers={"Cookie": "auth_token=another-apps-session"})
    assert (response.status_code, response.set_cookies) == (200, [])


def test_10_15_a_phone_keyboard_adds_a_space_to_the_name(client, ada):  # input 15
    assert ada
    assert sign_in(client, RIGHT | {"username": "ada "}, OWNER) == 200


DEFAULT_HOST = """
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{backend}; }} }}
"""


@pytest.mark.server
@nginx.required
def test_10_16_nginx_with_its_default_host_gets_a_reason(tmp_path):  # item 10, input 16
    port = free_port()
    with ExitStack() as stack:
        server = stack.enter_context(running(tmp_path, workers=1))
        site = DEFAULT_HOST.format(port=port, backend=server.port)
        stack.enter_context(nginx.running(tmp_path, site, port))
        direct = server.connect()
        stack.callback(direct.close)
        server.port = port
        through = stack.enter_context(server.connect())
        assert through.send("POST", "/register", ADA)[0] == 201
        cookie = through.response.headers.get_all("Set-Cookie")[0].partition(";")[0]
        origin = f"http://127.0.0.1:{port}"
        status, body = through.send(
            "POST", "/track", {"feature_name": "a"}, {"Cookie": cookie, "Origin": origin}
        )
        assert status == 403
        reason = f"the header Origin is '{origin}', but Host is '127.0.0.1:"
        assert reason in body["error"]
        assert "proxy_set_header Host $http_host" in body["error"]
        server.wait_for_line(reason)


def test_11_thirty_wrong_sign_ins_by_anyone_lock_nobody_else_out(client, ada):  # items 11 and 26
    assert ada
    for _ in range(40):
        sign_in(client, WRONG, ATTACKER)
    assert sign_in(client, RIGHT, ATTACKER) == 429
    assert sign_in(client, RIGHT, OWNER) == 200
    assert sign_in(client, RIGHT, "198.51.100.99") == 200  # a place where Ada has never been


def test_11_an_attack_from_everywhere_does_not_lock_the_owner_out(client, ada):  # items 11 and 26
    assert ada
    for n in range(250):
        sign_in(client, WRONG, f"2001:db8:{n:x}::1")
    assert sign_in(client, WRONG, "2001:db8:ffff::1") == 429, "all strangers together are limited"
    assert [sign_in(client, RIGHT, OWNER) for _ in range(150)] == [200] * 150


def test_26_a_registration_cannot_be_blocked(client):
    eve = ADA | {"username": "eve"}
    for n in range(100):
        client.post("/register", eve | {"password": "short"}, client=ATTACKER)
        client.post("/login", {"username": "eve", "password": "guessed early"}, client=f"203.0.113.{n}")
    assert client.post("/register", eve, client=OWNER).status_code == 201


class Flood:
    """Clients that try wrong passwords without a pause, each from an IPv6 network of its own.

    `order` has the names whose passwords were hashed; each hash waits for a turn that the test gives.
    """

    def __init__(self, client, users, monkeypatch, prefix):
        self._client, self._prefix = client, prefix
        self._authenticate, self._enter = users.authenticate, FairQueue.enter
        self._turns = threading.Semaphore(0)
        self._stopping = threading.Event()
        self._change = threading.Condition()
        self.order, self.statuses, self.owner_arrived_at = [], set(), []
        monkeypatch.setattr(users, "authenticate", self._hash)
        monkeypatch.setattr(FairQueue, "enter", partialmethod(_entering, self))
        self._threads = [threading.Thread(target=self._attack, args=(n,)) for n in range(100)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._turns.release(10_000)
        for thread in self._threads:
            thread.join()

    def give_turns(self, count):
        """Let so many passwords be hashed, and wait until they are."""
        wanted = len(self.order) + count
        self._turns.release(count)
        with self._change:
            assert self._change.wait_for(lambda: len(self.order) >= wanted, 60)

    def enter(self, queue, turn):
        if OWNER in turn.lane:
            self.owner_arrived_at.append(len(self.order))
        return self._enter(queue, turn)

    def _attack(self, number):
        while not self._stopping.is_set():
            guess = {"username": f"victim{number}", "password": "a wrong password"}
            response = self._client.post("/login", guess, client=self._prefix.format(number))
            self.statuses.add(response.status_code)

    def _hash(self, username, password):
        assert self._turns.acquire(timeout=60)
        with self._change:
            self.order.append(username)
            self._change.notify_all()
        return self._authenticate(username, password)


def _entering(queue, flood, turn):
    return flood.enter(queue, turn)


@pytest.mark.parametrize("prefix", ["2001:db8:0:{:x}::1", "2001:db8:{:x}::1"], ids=["one /48", "100 /48"])
def test_26_a_hundred_ipv6_networks_do_not_starve_the_queue(v, clock, monkeypatch, prefix):
    """Each has its turn, and then waits behind those that have not failed."""
    client = Client(create_app(v, make_settings(attempts_per_address=1_000), clock))
    v.register(*ADA.values())
    with ThreadPoolExecutor(1) as pool, Flood(client, v.users, monkeypatch, prefix) as flood:
        flood.give_turns(150)
        owner = pool.submit(sign_in, client, RIGHT, OWNER)  # from a network that is not known
        while "ada" not in flood.order and not owner.done():
            flood.give_turns(1)
    assert owner.result(60) == 200
    assert flood.order.index("ada") - flood.owner_arrived_at[0] <= 2
    assert flood.statuses == {400, 503}
    client.close()


def test_12_cookies_are_secure_behind_tls_without_a_front_end(v, clock):
    client = Client(create_app(v, make_settings(trusted_proxies="10.0.0.0/8"), clock))
    by_tls = {"X-Forwarded-Proto": "https"}
    trusted = client.post("/register", ADA, headers=by_tls, client="10.0.0.1").set_cookies
    other = client.post("/login", RIGHT, headers=by_tls, client=ATTACKER).set_cookies
    client.close()
    assert [cookie.endswith("; SameSite=Lax; Secure") for cookie in trusted] == [True, True]
    assert [cookie.endswith("; SameSite=Lax") for cookie in other] == [True, True]


@pytest.mark.server
@pytest.mark.parametrize("kind", ["sqlite", postgres.PARAM])
def test_14_every_worker_refuses_each_token_that_any_worker_revoked(tmp_path, kind):
    """Among 30,000 others, and while more are revoked all the time."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path}/usage.db"
        if kind == "postgres":
            url = stack.enter_context(postgres.temporary_database())
        settings = {"DATABASE_URL": url, "JWT_SECRET": "x" * 32, "VIGILITY_ATTEMPTS_PER_ADDRESS": "1000"}
        with vigility.connect(url) as v:
            later = to_micros(datetime.now(UTC)) + 10**11  # noqa: TID251 - as the server's clock
            v._installation.revoked_tokens.add_all({f"other {n}": later for n in range(30_000)}, later)
            server = stack.enter_context(running(tmp_path, workers=2, **settings))
            workers = one_connection_to_each_worker(server, stack)
            tokens = [server.register(username=f"user{n}") for n in range(12)]
            for n, token in enumerate(tokens):
                assert [worker.send("GET", "/me", headers=token)[0] for worker in workers] == [200, 200]
                if n % 3:
                    assert workers[n % 2].send("POST", "/logout", headers=token)[0] == 200
                else:  # by a third process
                    claims = Tokens(b"x" * 32).identify(token["Authorization"].split()[1], v.users._clock())
                    v.users.sessions.revoke(claims.token_id, claims.expires)
            for token in tokens:
                for worker in workers:
                    wait_until(
                        lambda worker=worker, token=token: worker.send("GET", "/me", headers=token)[0] == 401
                    )
            assert [
                worker.send("GET", "/me", headers=token)[0] for token in tokens for worker in workers
            ] == [401] * 24


def one_connection_to_each_worker(server, stack):
    """Connections, kept alive, of which each leads to another worker."""
    server.register(username="finder")
    found = {}
    while len(found) < server.workers:
        connection = stack.enter_context(server.connect())
        connection.send("GET", "/health", headers={"X-Request-ID": f"find-{id(connection)}"})
        server.wait_for_line(f"find-{id(connection)}")
        lines = [line for line in server.access_lines if line["request_id"] == f"find-{id(connection)}"]
        found.setdefault(lines[-1]["pid"], connection)
    return list(found.values())


@pytest.mark.parametrize("jump", [366, -366], ids=["ahead", "behind"])
def test_27_a_clock_that_jumps_and_is_put_right_changes_nothing(client, ada, clock, jump):
    revoked, kept = ada, client.post("/login", RIGHT, client=OWNER).json["token"]
    client.post("/logout", headers=bearer(revoked))
    clock.move(days=jump)
    for _ in range(40):
        sign_in(client, WRONG, OWNER)
    bob = client.post("/register", ADA | {"username": "bob"}, client=OWNER).json["token"]
    client.post("/logout", headers=bearer(client.post("/login", RIGHT, client="198.51.100.8").json["token"]))
    clock.move(days=-jump)
    assert client.get("/me", headers=bearer(revoked)).status_code == 401
    assert client.get("/me", headers=bearer(kept)).status_code == 200
    assert sign_in(client, RIGHT, OWNER) == 200
    later = client.post("/login", RIGHT | {"username": "bob"}, client=OWNER).json["token"]
    assert client.get("/me", headers=bearer(later)).status_code == 200
    assert client.get("/me", headers=bearer(bob)).status_code == (200 if jump > 0 else 401)  # expired by now


@pytest.mark.server
def test_29_dns_rebinding_is_refused_by_the_running_server(tmp_path):
    with running(
        tmp_path, workers=1, VIGILITY_ALLOWED_HOSTS="", FRONTEND_URL="https://app.example"
    ) as server:
        token = server.register()
        hosts = {"localhost": 201, f"127.0.0.1:{server.port}": 201, "app.example": 201, "evil.example": 421}
        for _ in range(2):  # by the normal path, then by the fast one
            for host, expected in hosts.items():
                with server.connect() as connection:
                    headers = token | {"Host": host}
                    status, body = connection.send("POST", "/track", {"feature_name": "a"}, headers)
                assert status == expected, body
        with server.connect() as connection:
            status, body = connection.send("GET", "/health", headers={"Host": "evil.example:80"})
        assert (status, list(body)) == (421, ["error"])
        assert "add the name to VIGILITY_ALLOWED_HOSTS" in body["error"]


def test_30_rounds_that_were_raised_reach_each_user_at_the_next_sign_in(tmp_path, monkeypatch):
    url = str(tmp_path / "usage.db")
    with vigility.connect(url, hasher=BcryptHasher(4)) as v:
        for name in ("ada", "bob"):
            v.register(**ADA | {"username": name})
    rounds, check = [], bcrypt.checkpw
    monkeypatch.setattr("bcrypt.checkpw", lambda *pair: rounds.append(int(pair[1][4:6])) or check(*pair))
    with vigility.connect(url, hasher=BcryptHasher(6)) as v:
        assert v.users.authenticate(**RIGHT).password_hash.startswith("$2b$06$")
        assert v.users.authenticate(**RIGHT) == v.users.get("ada")
        for name in ("ada", "bob", "nobody"):
            rounds.clear()
            with pytest.raises(InvalidCredentials):
                v.users.authenticate(name, "a wrong password")
            assert sum(2**each for each in rounds) == 2**6, "a refusal must not tell who exists"
