"""No input causes a 5xx, a stack trace, or a response that /openapi.json does not describe.

`web_client` checks every response; here Hypothesis generates the requests.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vigility
from support.web_client import ADA, Client, Clock, Hasher, make_settings
from vigility.web.app import create_app
from vigility.web.openapi.operations import OPERATIONS

PATHS = sorted(path for path in OPERATIONS if "{" not in path)
LINES = st.binary(max_size=60).filter(lambda line: not set(line) & {0, 10, 13})


@pytest.fixture(scope="module")
def client():
    clock = Clock()
    v = vigility.connect("memory:", clock=clock, hasher=Hasher())
    client = Client(create_app(v, make_settings(rate_limit="off", trusted_proxies="10.0.0.0/8"), clock))
    client.token = client.register().encode()
    yield client
    client.close()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(list(ADA.values())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (*ADA, "feature_name", "event_id", "timestamp")
bodies = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), json_values, max_size=6)
HEADERS = (
    b"authorization",
    b"cookie",
    b"content-type",
    b"content-length",
    b"content-encoding",
    b"origin",
    b"host",
    b"sec-fetch-site",
    b"x-forwarded-for",
    b"x-request-id",
    b"if-none-match",
    b"accept",
    b"range",
    b"access-control-request-method",
    b"transfer-encoding",
    b"expect",
)


@given(
    body=bodies, path=st.sampled_from(["/register", "/login", "/logout", "/track"]), signed_in=st.booleans()
)
def test_any_json(client, body, path, signed_in):
    headers = {"Authorization": f"Bearer {client.token.decode()}"} if signed_in else {}
    client.post(path, body, headers=headers)


@given(
    body=st.lists(st.binary(max_size=200), min_size=1, max_size=4),
    path=st.sampled_from(["/register", "/login", "/logout", "/track"]),
)
def test_any_bytes_as_a_body(client, body, path):
    headers = [(b"content-type", b"application/json"), (b"authorization", b"Bearer " + client.token)]
    client.send("POST", path, b"", headers, body)


@given(
    method=st.sampled_from(
        ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "TRACE", "CONNECT", "WEBSOCKET", "X"]
    ),
    path=st.sampled_from(PATHS) | st.text(max_size=30).map(lambda text: "/" + text),
    query=st.binary(max_size=40),
    headers=st.lists(st.tuples(st.sampled_from(HEADERS), LINES), max_size=6),
    body=st.binary(max_size=40),
)
@settings(max_examples=settings().max_examples * 10 // 3)
def test_any_request(client, method, path, query, headers, body):
    client.send(method, path, query, headers, [body])


@given(cookie=LINES)
def test_any_cookie(client, cookie):
    for sent in (cookie, b"auth_token=" + cookie, b"auth_token=" + cookie + b"; auth_token=" + client.token):
        client.send("GET", "/me", b"", [(b"cookie", sent)])
        client.send("POST", "/logout", b"", [(b"cookie", sent.replace(client.token, b""))])


@given(token=LINES | st.lists(st.binary(max_size=20), min_size=3, max_size=3).map(b".".join))
def test_any_token(client, token):
    sent = b"Bearer " + token.replace(b"\n", b"").replace(b"\r", b"").replace(b"\0", b"")
    assert client.send("GET", "/me", b"", [(b"authorization", sent)]).status_code == 401


@given(
    query=st.text(max_size=60)
    | st.lists(
        st.tuples(
            st.sampled_from(["startDate", "endDate", "ageGroup", "gender", "feature", "x"]),
            st.text(max_size=12) | st.dates().map(str) | st.sampled_from(["All", "Male", "<18", ">40", ""]),
        ),
        max_size=4,
    ).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))
)
def test_any_query(client, query):
    headers = [(b"authorization", b"Bearer " + client.token)]
    client.send("GET", "/analytics", query.encode("utf-8", "surrogatepass"), headers)
