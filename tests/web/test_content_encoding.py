"""Compressed bodies: gzip is taken, within the same bounds; everything else is refused by name."""

import gzip
import json
import tracemalloc
import zlib

import pytest

from vigility.web.api.batch_tracking import MAX_BATCH_BYTES
from vigility.web.http.content_encoding import decoded
from vigility.web.http.requests import MAX_BODY_BYTES

JSON = {"Content-Type": "application/json"}
EVENT = b'{"feature_name": "zoom"}'


def post(client, bearer, body, encoding, path="/track"):
    return client.request("POST", path, bearer | JSON | {"Content-Encoding": encoding}, body=body)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "identity, gzip", " gzip "])
def test_gzip_is_taken(client, bearer, encoding):
    assert post(client, bearer, gzip.compress(EVENT), encoding).status_code == 201


@pytest.mark.parametrize("encoding", ["identity", "", "Identity, identity"])
def test_a_body_that_is_not_compressed_is_taken(client, bearer, encoding):
    assert post(client, bearer, EVENT, encoding).status_code == 201


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("br", "'br'"), ("deflate", "'deflate'"), ("gzip, gzip", "'gzip, gzip'"), ("Zstd", "'zstd'")],
)
def test_other_encodings_are_refused_by_name(client, bearer, encoding, named):
    response = post(client, bearer, EVENT, encoding)
    assert response.status_code == 415
    assert response.json["error"] == f"The body's Content-Encoding is {named}; allowed: gzip, identity"
    assert response.headers["accept-encoding"] == "gzip, identity"


@pytest.mark.parametrize(
    "body",
    [
        EVENT,
        gzip.compress(EVENT)[:-1],
        gzip.compress(EVENT) + b"x",
        gzip.compress(b"") * 2,
        zlib.compress(EVENT),
        gzip.compress(EVENT)[:12] + b"\xff" * 12,
    ],
    ids=range(6),
)
def test_what_is_not_gzip_is_refused(client, bearer, body):
    response = post(client, bearer, body, "gzip")
    assert (response.status_code, response.json["error"]) == (400, "The body is not one complete gzip stream")


@pytest.mark.parametrize("path", ["/register", "/login", "/logout", "/track", "/track/batch"])
def test_every_operation_with_a_body_takes_gzip_and_says_what_it_does_not_take(client, bearer, path):
    taken = post(client, bearer, gzip.compress(b"[]"), "gzip", path)
    assert taken.json.get("error") != "The body is not valid JSON"
    assert post(client, bearer, b"[]", "br", path).status_code == 415


def test_no_body_needs_no_decompression(client, bearer):
    assert post(client, bearer, b"", "br", "/logout").status_code == 200
    assert post(client, {}, b"", "gzip", "/logout").status_code == 200


@pytest.mark.parametrize(
    ("path", "most", "status"), [("/track", MAX_BODY_BYTES, 201), ("/track/batch", MAX_BATCH_BYTES, 200)]
)
def test_the_bound_on_a_body_is_on_what_it_becomes(client, bearer, path, most, status):
    body = EVENT if path == "/track" else json.dumps({"events": [json.loads(EVENT)]}).encode()
    for size, expected in ((most, status), (most + 1, 413)):
        response = post(client, bearer, gzip.compress(body.ljust(size)), "gzip", path)
        assert response.status_code == expected
    assert response.json["error"] == f"The body must have at most {most} bytes"


def test_a_bomb_is_never_held_in_memory():
    bomb = gzip.compress(bytes(200 * MAX_BODY_BYTES))
    tracemalloc.start()
    try:
        with pytest.raises(Exception, match="413"):
            decoded(bomb, "gzip", MAX_BODY_BYTES)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BODY_BYTES
    finally:
        tracemalloc.stop()


def test_the_content_type_is_named_where_it_is_wrong(client, bearer):
    response = client.request("POST", "/track", bearer | {"Content-Type": "text/xml"}, body=EVENT)
    assert response.json["error"] == "The body must be application/json, not 'text/xml'"
    response = client.request("POST", "/track", bearer, body=EVENT)
    assert response.json["error"] == (
        "The body must be application/json, and the request must say so in Content-Type"
    )
