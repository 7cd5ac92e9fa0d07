"""The endpoints of the contract, and every row of its "Bad input"."""

import json
import re
from urllib.parse import unquote

import pytest

import vigility
from support.web_client import ADA, Client, make_settings
from vigility.auth.passwords import BcryptHasher
from vigility.web.app import create_app

REGISTER, LOGIN, TRACK = "/register", "/login", "/track"
REQUIRED = "All fields are required"


def test_registering_returns_user_token_and_both_cookies(client):
    response = client.post(REGISTER, ADA | {"age": "25"})
    assert response.status_code == 201
    token = response.json["token"]
    assert response.json == {
        "user": {"id": 1, "username": "ada", "age": 25, "gender": "Female"},
        "token": token,
    }
    shown = "%7B%22id%22%3A1%2C%22username%22%3A%22ada%22%2C%22age%22%3A25%2C%22gender%22%3A%22Female%22%7D"
    assert response.set_cookies == [
        f"auth_token={token}; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax",
        f"user_data={shown}; Max-Age=86400; Path=/; SameSite=Lax",
    ]


def test_the_user_cookie_is_url_encoded_json(client):
    name = 'ünal (o\'hara); 用户, "x"'
    cookie = client.post(REGISTER, ADA | {"username": name}).set_cookies[1]
    value = cookie.removeprefix("user_data=").partition(";")[0]
    assert json.loads(unquote(value)) == {"id": 1, "username": name, "age": 36, "gender": "Female"}
    assert re.fullmatch(r"[A-Za-z0-9!~*'()_.%-]+", value)


def test_signing_in_returns_the_same(client):
    client.register()
    response = client.post(LOGIN, {"username": "ada", "password": "a long password"})
    assert response.status_code == 200
    assert response.json["user"] == {"id": 1, "username": "ada", "age": 36, "gender": "Female"}
    assert [cookie.partition("=")[0] for cookie in response.set_cookies] == ["auth_token", "user_data"]


def test_cookies_for_a_front_end_on_another_site_are_secure(open_client):
    client = open_client(frontend_url="https://app.example/")
    for response in (client.post(REGISTER, ADA), client.post("/logout")):
        first, second = response.set_cookies
        assert first.endswith("Path=/; HttpOnly; SameSite=None; Secure")
        assert second.endswith("Path=/; SameSite=None; Secure")


def test_logging_out_needs_no_token_and_clears_the_cookies_with_their_attributes(client):
    response = client.post("/logout")
    assert (response.status_code, response.json) == (200, {"message": "Logged out successfully"})
    expired = "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"
    assert response.set_cookies == [
        f"auth_token=; {expired}; HttpOnly; SameSite=Lax",
        f"user_data=; {expired}; SameSite=Lax",
    ]


def test_tracking_returns_the_event(client, bearer):
    response = client.post(TRACK, {"feature_name": "date_filter"}, headers=bearer)
    assert response.status_code == 201
    assert response.json == {
        "id": 1,
        "userId": 1,
        "featureName": "date_filter",
        "timestamp": "2026-03-01T12:00:00.000Z",
    }


def test_an_event_id_is_counted_once(client, bearer):
    event = {"feature_name": "date_filter", "event_id": "123e4567-e89b-42d3-a456-426614174000"}
    responses = [client.post(TRACK, event, headers=bearer) for _ in range(3)]
    assert [response.status_code for response in responses] == [201, 200, 200]
    assert responses[0].json == responses[1].json == responses[2].json
    other = client.post(TRACK, event | {"feature_name": "other"}, headers=bearer)
    assert other.status_code == 409
    bars = client.get("/analytics", headers=bearer).json["barChartData"]
    assert bars == [{"feature": "date_filter", "count": 1}]
    assert client.post(TRACK, event | {"event_id": "x"}, headers=bearer).status_code == 400


def test_analytics_returns_bars_and_the_line_of_one_feature(client, bearer, clock):
    for feature in ("b", "a", "a", "c"):
        client.post(TRACK, {"feature_name": feature}, headers=bearer)
    clock.move(hours=23)
    client.post(TRACK, {"feature_name": "a"}, headers=bearer)
    response = client.get("/analytics?feature=a", headers=bearer)
    assert response.json == {
        "barChartData": [
            {"feature": "a", "count": 3},
            {"feature": "b", "count": 1},
            {"feature": "c", "count": 1},
        ],
        "lineChartData": [{"date": "2026-03-01", "count": 2}, {"date": "2026-03-02", "count": 1}],
    }
    assert client.get("/analytics", headers=bearer).json["lineChartData"] == []


def test_filters_select_events(client, bearer):
    young = {"Authorization": "Bearer " + client.register(username="bob", age=17, gender="Male")}
    client.post(TRACK, {"feature_name": "a"}, headers=bearer)
    client.post(TRACK, {"feature_name": "b"}, headers=young)

    def bars(query):
        counted = client.get(f"/analytics?{query}", headers=bearer).json["barChartData"]
        return [bar["feature"] for bar in counted]

    assert bars("ageGroup=18-40") == ["a"]
    assert bars("ageGroup=%3C18") == ["b"]
    assert bars("gender=Male") == ["b"]
    assert bars("gender=All&ageGroup=All") == bars("gender=&startDate=&feature=") == ["a", "b"]
    assert bars("endDate=2026-02-28") == []
    assert bars("startDate=2026-03-01&endDate=2026-03-01") == ["a", "b"]


@pytest.mark.parametrize("day", ["0002-09-23", "0020-09-23", "0202-09-23", "2026-09-23"])
def test_a_date_that_is_being_typed_is_accepted(client, bearer, day):
    client.post(TRACK, {"feature_name": "a"}, headers=bearer)
    assert client.get(f"/analytics?startDate={day}&feature=a", headers=bearer).status_code == 200


def test_health_and_me(client, bearer):
    assert client.get("/health").json == {"status": "ok"}
    user = {"id": 1, "username": "ada", "age": 36, "gender": "Female"}
    assert client.get("/me", headers=bearer).json == {"user": user}
    assert client.get("/me").status_code == 401


# Bad input, in the contract's order.


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        *({name: value for name, value in ADA.items() if name != missing} for missing in ADA),
        *(ADA | {empty: ""} for empty in ADA),
        *(ADA | {empty: None} for empty in ADA),
    ],
    ids=str,
)
def test_register_with_a_field_missing(client, body):
    response = client.post(REGISTER, body)
    assert (response.status_code, response.json) == (400, {"error": REQUIRED})


def test_register_without_a_body(client):
    response = client.post(REGISTER)
    assert (response.status_code, response.json) == (400, {"error": REQUIRED})


def test_a_taken_username(client):
    client.register()
    response = client.post(REGISTER, ADA)
    assert (response.status_code, response.json) == (400, {"error": "Username already exists"})
    assert client.post(REGISTER, ADA | {"username": "Ada"}).status_code == 201


@pytest.mark.parametrize("age", ["25", 25, 1, 120], ids=repr)
def test_valid_ages(client, age):
    assert client.post(REGISTER, ADA | {"age": age}).status_code == 201


@pytest.mark.parametrize(
    "age", ["25abc", 25.9, 0, -5, 1000, True, 3_000_000_000, 10**30, "025", " 25", "٢٥", [25], {}, 121]
)
def test_invalid_ages(client, age):
    response = client.post(REGISTER, ADA | {"age": age})
    assert response.status_code == 400
    assert "a whole number from 1 to 120" in response.json["error"]


@pytest.mark.parametrize("gender", ["female", "X", 1, ["Male"], {"$ne": ""}], ids=repr)
def test_invalid_genders(client, gender):
    response = client.post(REGISTER, ADA | {"gender": gender})
    assert response.status_code == 400
    assert "Male, Female, Other" in response.json["error"]


@pytest.mark.parametrize("value", [1, {"$ne": ""}, ["x"], True, 1.5], ids=repr)
@pytest.mark.parametrize("field", ["username", "password"])
def test_names_and_passwords_that_are_not_text(client, field, value):
    assert client.post(REGISTER, ADA | {field: value}).status_code == 400
    client.register()
    assert (
        client.post(LOGIN, {"username": "ada", "password": ADA["password"]} | {field: value}).status_code
        == 400
    )


@pytest.mark.parametrize("name", ["   ", "x" * 65, "a\nb", "a\x00", " ada", "ada ", "\u2028", "\x1b[31m"])
def test_invalid_usernames(client, name):
    response = client.post(REGISTER, ADA | {"username": name})
    assert response.status_code == 400
    assert response.json["error"].startswith("username ")


@pytest.mark.parametrize("password", ["1234567", "x" * 129])
def test_invalid_passwords(client, password):
    response = client.post(REGISTER, ADA | {"password": password})
    assert response.status_code == 400
    assert password not in response.json["error"]


@pytest.mark.parametrize("password", ["密" * 127, "x" * 127, "🔑" * 127, "\0" * 127], ids=ascii)
def test_every_character_of_a_password_of_any_script_counts(clock, password):
    v = vigility.connect("memory:", clock=clock, hasher=BcryptHasher(rounds=4))
    client = Client(create_app(v, make_settings(), clock))
    client.register(password=password + "1")
    login = {"username": "ada", "password": password + "1"}
    assert client.post(LOGIN, login).status_code == 200
    assert client.post(LOGIN, login | {"password": password + "2"}).status_code == 400
    client.close()


@pytest.mark.parametrize(
    "login",
    [{"username": "ada", "password": "wrong password"}, {"username": "eve", "password": "a long password"}],
)
def test_wrong_credentials(client, login):
    client.register()
    response = client.post(LOGIN, login)
    assert (response.status_code, response.json) == (400, {"error": "Invalid credentials"})


@pytest.mark.parametrize(
    "login",
    [
        {"username": "ada", "password": "wrong password"},
        {"username": "eve", "password": "a long password"},
        {"username": "eve", "password": "short"},
        {"username": "x" * 1000, "password": "a long password"},
        {"username": "no password", "password": "a long password"},
    ],
)
def test_wrong_credentials_always_cost_one_comparison(client, v, hasher, login):
    client.register()
    v.users.add_without_password("no password", 30, "Other")
    hasher.calls.clear()
    client.post(LOGIN, login)
    assert hasher.calls == ["verify"]


@pytest.mark.parametrize(
    "login", [{}, [], {"username": "ada"}, {"password": "x"}, {"username": "", "password": "x"}]
)
def test_login_with_a_field_missing(client, login):
    response = client.post(LOGIN, login)
    assert (response.status_code, response.json) == (400, {"error": "Username and password are required"})


@pytest.mark.parametrize("body", [{}, {"feature_name": ""}, {"feature_name": None}, []])
def test_track_without_a_feature(client, bearer, body):
    response = client.post(TRACK, body, headers=bearer)
    assert (response.status_code, response.json) == (400, {"error": "feature_name is required"})


@pytest.mark.parametrize("name", [1, 0, True, ["x"], {}, "  ", "a\tb", "x" * 101, " a", "\x7f"], ids=repr)
def test_invalid_features(client, bearer, name):
    response = client.post(TRACK, {"feature_name": name}, headers=bearer)
    assert response.status_code == 400
    assert response.json["error"].startswith("feature_name ")


@pytest.mark.parametrize(("method", "path"), [("POST", TRACK), ("GET", "/analytics"), ("GET", "/me")])
def test_a_missing_token(client, method, path):
    response = client.request(method, path)
    assert (response.status_code, response.json) == (401, {"error": "No token provided"})
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("query", ["ageGroup=old", "ageGroup=18", "gender=male", "gender=%00"])
def test_invalid_values_of_filters(client, bearer, query):
    response = client.get(f"/analytics?{query}", headers=bearer)
    assert response.status_code == 400
    name = query.partition("=")[0]
    assert response.json["error"].startswith(f"{name} must be one of ")


@pytest.mark.parametrize("name", ["startDate", "endDate"])
@pytest.mark.parametrize(
    "day", ["2026-02-30", "2026-1-5", "x", "20260105", "2026-W05-6", "2026-01-05T00:00", "0000-01-01"]
)
def test_invalid_days(client, bearer, name, day):
    response = client.get(f"/analytics?{name}={day}", headers=bearer)
    assert response.status_code == 400
    assert response.json["error"].startswith(f"{name} must be a day")


def test_a_start_after_the_end_selects_nothing(client, bearer):
    client.post(TRACK, {"feature_name": "a"}, headers=bearer)
    response = client.get("/analytics?startDate=2026-03-02&endDate=2026-03-01&feature=a", headers=bearer)
    assert response.json == {"barChartData": [], "lineChartData": []}


@pytest.mark.parametrize(
    "query",
    [
        "gender[not]=Male",
        "gender%5Bnot%5D=Male",
        "gender=Male&gender=Female",
        "gender=&gender=",
        "Gender=Male",
        "x",
        "feature=%ff",
        "feature=%",
        "feature=%zz",
        "&".join(f"p{n}=1" for n in range(100)),
    ],
)
def test_an_unknown_or_repeated_parameter(client, bearer, query):
    assert client.get(f"/analytics?{query}", headers=bearer).status_code == 400


def test_an_unknown_feature_has_no_line(client, bearer):
    client.post(TRACK, {"feature_name": "a"}, headers=bearer)
    response = client.get("/analytics?feature=b", headers=bearer)
    assert response.json == {"barChartData": [{"feature": "a", "count": 1}], "lineChartData": []}


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"{",
        b"5",
        b'"x"',
        b"[1]",
        b'{"username": NaN}',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"username": "\\ud800"}',
        b'{"age": 1e999}',
        b"[" * 50_000,
        b'{"a":' * 15_000 + b"1" + b"}" * 15_000,
        b'{"age": ' + b"9" * 5000 + b"}",
    ],
    ids=repr,
)
@pytest.mark.parametrize("path", [REGISTER, LOGIN, TRACK, "/logout"])
def test_a_body_that_is_not_a_json_object(client, bearer, path, body):
    headers = bearer | {"Content-Type": "application/json"}
    assert client.post(path, body=body, headers=headers).status_code == 400


def test_the_last_of_repeated_names_counts(client, bearer):
    body = b'{"feature_name": "a", "feature_name": "b"}'
    response = client.post(TRACK, body=body, headers=bearer | {"Content-Type": "application/json"})
    assert response.json["featureName"] == "b"


@pytest.mark.parametrize("path", [REGISTER, LOGIN, TRACK, "/logout"])
def test_a_too_large_body(client, bearer, path):
    headers = bearer | {"Content-Type": "application/json"}
    padding = b'{"x":"' + b"x" * (100 * 1024 - 8) + b'"}'
    assert client.post(path, body=padding, headers=headers).status_code != 413
    assert client.post(path, body=b" " + padding, headers=headers).status_code == 413


@pytest.mark.parametrize("path", [REGISTER, LOGIN, TRACK, "/logout"])
def test_a_too_large_body_in_pieces_of_unknown_number(client, token, path):
    headers = [(b"content-type", b"application/json"), (b"authorization", f"Bearer {token}".encode())]
    assert client.send("POST", path, b"", headers, [b" " * 60_000] * 2).status_code == 413
    assert client.send("POST", path, b"", headers, [b" " * 60_000, b"{}"]).status_code in {200, 400}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/jsonp",
    ],
)
@pytest.mark.parametrize("path", [REGISTER, LOGIN, TRACK, "/logout"])
def test_a_body_of_another_content_type(client, bearer, path, content_type):
    response = client.post(
        path, body=b'{"feature_name":"a"}', headers=bearer | {"Content-Type": content_type}
    )
    assert response.status_code == 415


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"]
)
def test_a_body_of_the_right_content_type(client, bearer, content_type):
    response = client.post(
        TRACK, body=b'{"feature_name":"a"}', headers=bearer | {"Content-Type": content_type}
    )
    assert response.status_code == 201


@pytest.mark.parametrize(
    "path", ["/nope", "/track/", "/static", "/static/../app.py", "/static/%2e%2e/app.py"]
)
def test_an_unknown_route(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"), [("GET", TRACK), ("DELETE", "/me"), ("PUT", "/login"), ("POST", "/")]
)
def test_a_wrong_method(client, method, path):
    response = client.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"]


@pytest.mark.parametrize("path", ["/", "/health", "/docs", "/openapi.json", "/metrics", "/static/docs.css"])
def test_head_responds_as_get_without_a_body(client, path):
    got, head = client.get(path), client.request("HEAD", path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    if path != "/metrics":
        assert head.headers["content-length"] == got.headers["content-length"]


def test_options_lists_the_allowed_methods(client):
    response = client.request("OPTIONS", "/track")
    assert (response.status_code, response.content) == (204, b"")
    assert "POST" in response.headers["allow"]
