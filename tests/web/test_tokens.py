import base64
import json
import time
from datetime import timedelta

import jwt
import pytest

from support.web_client import ADA, SECRET
from vigility.auth.tokens import Tokens
from vigility.core.errors import InvalidInput, StoreUnavailable
from vigility.web.auth.revoked_tokens import RevokedTokens

DAY = 86_400


@pytest.fixture
def claims(client, clock):
    client.register()
    now = int(clock().timestamp())
    return {"userId": 1, "username": "ada", "iat": now, "exp": now + DAY}


def signed(claims, secret=SECRET, algorithm="HS256", **header):
    return jwt.encode(claims, secret, algorithm, headers=header or None)


def me(client, token, **more):
    return client.get("/me", headers={"Authorization": f"Bearer {token}", **more})


def test_a_token_has_the_claims_of_the_contract(client, clock):
    claims = jwt.decode(
        client.register(), SECRET, ["HS256"], options={"verify_exp": False, "verify_iat": False}
    )
    now = int(clock().timestamp())
    assert claims.pop("jti")
    assert claims.pop("registered") == now * 1_000_000
    assert claims == {"userId": 1, "username": "ada", "iat": now, "exp": now + DAY}


def test_a_token_without_an_id_is_accepted(client, claims):
    assert me(client, signed(claims)).status_code == 200


def test_tokens_of_the_same_second_differ(client):
    first = client.register()
    login = client.post("/login", {"username": "ada", "password": ADA["password"]})
    assert login.json["token"] != first


def test_a_token_expires_after_24_hours(client, clock):
    token = client.register()
    clock.move(hours=24, seconds=-1)
    assert me(client, token).status_code == 200
    clock.move(seconds=1)
    assert me(client, token).status_code == 401


def test_a_token_is_invalid_for_a_new_user_with_the_same_name_and_id_after_a_wipe(open_client, v, clock):
    before = open_client().register()
    v.maintenance.wipe()
    clock.move(minutes=2)
    after, another_worker = open_client().register(), open_client()
    assert me(another_worker, before).status_code == 401
    assert me(another_worker, after).status_code == 200


@pytest.mark.parametrize(("ahead", "status"), [(50, 200), (70, 401)])
def test_the_clocks_of_instances_may_differ_by_a_minute(client, claims, ahead, status):
    assert me(client, signed(claims | {"iat": claims["iat"] - ahead})).status_code == status


def unsigned(claims):
    parts = [{"alg": "none", "typ": "JWT"}, claims]
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + "."
    )


FORGED = {
    "other secret": lambda claims: signed(claims, "another secret, of more than 32 bytes, too"),
    "HS512 with our secret": lambda claims: signed(claims, SECRET, "HS512"),
    "alg none": unsigned,
    "garbage": lambda _: "garbage",
    "a dot": lambda _: ".",
    "two dots": lambda _: "..",
    "no text": lambda _: "\xff.\xff.\xff",
    "a deep payload": lambda _: "e30." + base64.urlsafe_b64encode(b"[" * 3000).decode() + ".e30",
    "without exp": lambda claims: signed({k: v for k, v in claims.items() if k != "exp"}),
    "without iat": lambda claims: signed({k: v for k, v in claims.items() if k != "iat"}),
    "without userId": lambda claims: signed({k: v for k, v in claims.items() if k != "userId"}),
    "without username": lambda claims: signed({k: v for k, v in claims.items() if k != "username"}),
    "expired": lambda claims: signed(claims | {"exp": claims["iat"] - 1}),
    "exp a text": lambda claims: signed(claims | {"exp": "9999999999"}),
    "exp without end": lambda claims: signed(claims | {"exp": float("inf")}),
    "exp past the calendar": lambda claims: signed(claims | {"exp": 10**20}),
    "user gone": lambda claims: signed(claims | {"username": "eve", "userId": 2}),
    "another user's id": lambda claims: signed(claims | {"userId": 2}),
    "id a boolean": lambda claims: signed(claims | {"userId": True}),
    "id a text": lambda claims: signed(claims | {"userId": "1"}),
    "username a list": lambda claims: signed(claims | {"username": ["ada"]}),
    "username half a character": lambda claims: signed(claims | {"username": "\ud800"}),
    "not yet": lambda claims: signed(claims | {"nbf": claims["iat"] + 60}),
    "critical header": lambda claims: signed(claims, crit=["exp"]),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_an_invalid_token(client, claims, forge):
    response = me(client, forge(claims))
    assert (response.status_code, response.json) == (401, {"error": "Invalid or expired token"})
    response = client.get("/me", headers={"Cookie": f"auth_token={forge(claims)}"})
    assert response.status_code == 401


def test_a_modified_token(client):
    head, payload, signature = client.register().split(".")
    for changed in (f"{head}.{payload}.{signature[:-4]}AAAA", f"{head}.{payload[:-2]}AA.{signature}"):
        assert me(client, changed).status_code == 401


def test_the_cookie_alone_suffices(client, token):
    assert client.get("/me", headers={"Cookie": f"x=y; auth_token={token}"}).status_code == 200


def test_an_invalid_cookie_with_a_valid_bearer_token(client, token):
    assert me(client, token, Cookie="auth_token=bad").status_code == 200


def test_an_invalid_bearer_token_with_a_valid_cookie(client, token):
    assert me(client, "bad", Cookie=f"auth_token={token}").status_code == 200


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer ", "Token x"])
def test_other_authorizations_are_not_tokens(client, header):
    response = client.get("/me", headers={"Authorization": header})
    assert (response.status_code, response.json) == (401, {"error": "No token provided"})


def test_logging_out_revokes_the_token(client, token, bearer):
    other = client.post("/login", {"username": "ada", "password": ADA["password"]}).json["token"]
    assert client.post("/logout", headers=bearer).status_code == 200
    assert me(client, token).status_code == 401
    assert me(client, other).status_code == 200
    assert client.post("/logout", headers=bearer).status_code == 200


def test_logging_out_revokes_both_cookie_and_bearer_token(client, token):
    other = client.post("/login", {"username": "ada", "password": ADA["password"]}).json["token"]
    both = {"Authorization": f"Bearer {token}", "Cookie": f"auth_token={other}"}
    client.post("/logout", headers=both)
    assert [me(client, revoked).status_code for revoked in (token, other)] == [401, 401]


def test_a_token_without_an_id_is_revoked_in_every_spelling(client, claims):
    token, other = signed(claims), signed(claims | {"exp": claims["exp"] - 1})
    respelled = token + "="
    assert me(client, respelled).status_code == 200
    client.post("/logout", headers={"Authorization": f"Bearer {token}"})
    assert [me(client, revoked).status_code for revoked in (token, respelled)] == [401, 401]
    assert me(client, other).status_code == 200


def test_a_log_out_reaches_other_workers_in_time(open_client, monkeypatch):
    here, there = open_client(), open_client()
    token = here.register()
    assert me(there, token).status_code == 200
    here.post("/logout", headers={"Authorization": f"Bearer {token}"})
    moment = time.monotonic() + 4.9
    monkeypatch.setattr("vigility.web.auth.session_cache.monotonic", lambda: moment)
    assert me(there, token).status_code == 401


def test_each_refresh_reads_only_tokens_that_are_new(client, v, token, monkeypatch):
    read, read_after = [], v.users.sessions.revoked_after

    def recorded(position):
        page = read_after(position)
        read.append(list(page.kept_until))
        return page

    for n in range(3):
        v.users.sessions.revoke(str(n), v.users._clock() + timedelta(hours=24))
    monkeypatch.setattr(v.users.sessions, "revoked_after", recorded)
    for n in range(3):
        moment = time.monotonic() + 10 * (n + 1)
        monkeypatch.setattr("vigility.web.auth.session_cache.monotonic", lambda moment=moment: moment)
        assert me(client, token).status_code == 200
        v.users.sessions.revoke(f"later {n}", v.users._clock() + timedelta(hours=24))
    assert read == [["0", "1", "2"], ["later 0"], ["later 1"]]


def test_a_worker_forgets_tokens_that_have_expired(v, clock, monkeypatch):
    monkeypatch.setattr("vigility.web.auth.revoked_tokens._MIN_PRUNED", 10)
    known = RevokedTokens(v)
    for n in range(200):
        v.users.sessions.revoke(str(n), clock() + timedelta(hours=24))
        known.update()
        assert str(n) in known
        if n >= 24:
            assert str(n - 24) in known
        clock.move(hours=1)
    assert len(known) <= 60


@pytest.mark.parametrize("jump", [366, -366])
def test_a_clock_that_jumps_and_is_put_right_revives_no_token(open_client, clock, jump):
    here, there = open_client(), open_client()
    token, open_token = here.register(), here.register(username="bob")
    here.post("/logout", headers={"Authorization": f"Bearer {token}"})
    clock.move(days=jump)
    meanwhile = here.register(username="eve")
    here.post("/logout", headers={"Authorization": f"Bearer {meanwhile}"})
    clock.move(days=-jump)
    for worker in (here, there, open_client()):
        assert me(worker, token).status_code == 401
        assert me(worker, meanwhile).status_code == 401
        assert me(worker, open_token).status_code == 200


def test_a_token_that_only_seems_to_have_expired_can_be_revoked(client, clock):
    token = client.register()
    clock.move(days=366)
    assert client.post("/logout", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    clock.move(days=-366)
    assert me(client, token).status_code == 401


def test_a_user_who_registered_while_the_clock_was_ahead_can_sign_in(client, clock):
    clock.move(days=366)
    token = client.register()
    clock.move(days=-366)
    later = client.post("/login", {"username": "ada", "password": ADA["password"]}).json["token"]
    assert [me(client, each).status_code for each in (token, later)] == [200, 200]


@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_a_token_of_an_instance_whose_clock_is_ahead_is_accepted(open_client, clock, minutes):
    here, there = open_client(), open_client()
    clock.move(minutes=minutes)
    token = here.register()
    clock.move(minutes=-minutes)
    assert me(there, token).status_code == 200


def test_a_token_says_which_user_it_means_by_when_that_user_registered(client, claims, clock):
    registered = int(clock().timestamp()) * 1_000_000
    assert me(client, signed(claims | {"registered": registered})).status_code == 200
    for other in (registered + 1, registered - 1, "x", 10**30, True, [1]):
        assert me(client, signed(claims | {"registered": other})).status_code == 401


def test_the_deletion_of_a_user_reaches_workers_in_time(client, v, token, monkeypatch):
    assert me(client, token).status_code == 200
    v.maintenance.wipe()
    moment = time.monotonic() + 4.9
    monkeypatch.setattr("vigility.web.auth.session_cache.monotonic", lambda: moment)
    assert me(client, token).status_code == 401


def test_the_core_refuses_a_user_who_was_just_deleted(client, v, bearer):
    client.post("/track", {"feature_name": "a"}, headers=bearer)
    v.maintenance.wipe()
    assert client.post("/track", {"feature_name": "a"}, headers=bearer).status_code == 401


def test_if_revoked_tokens_cannot_be_read_every_token_is_refused(client, v, token, monkeypatch):
    assert me(client, token).status_code == 200

    def unavailable(_):
        raise StoreUnavailable("/var/lib/secret/usage.db: disk I/O error")

    monkeypatch.setattr(v.users.sessions, "revoked_after", unavailable)
    moment = time.monotonic() + 4.9
    monkeypatch.setattr("vigility.web.auth.session_cache.monotonic", lambda: moment)
    response = me(client, token)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert "secret" not in response.text


@pytest.mark.parametrize("secret", [b"", b"x" * 31])
def test_a_short_secret_is_refused(secret):
    with pytest.raises(
        InvalidInput, match=r"JWT_SECRET must have 32 bytes or more, not \d+; make one with: "
    ):
        Tokens(secret)
