"""A client of the application without a socket. It checks what must be true of every response."""

import asyncio
import hashlib
import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property

import jsonschema_rs

from vigility.config import Settings
from vigility.web.middleware.security_headers import CONTENT_SECURITY_POLICY
from vigility.web.openapi.document import document

SECRET = "a secret of tests, long enough for HS512 too, which asks for 64 bytes or more"
ADA = {"username": "ada", "password": "a long password", "age": 36, "gender": "Female"}
HOSTS = "api.example,a,x"  # what the tests send as Host
DOCUMENT = document()


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self):
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def move(self, **by):
        self.now += timedelta(**by)


class Hasher:
    """A fast hash that records its calls."""

    def __init__(self):
        self.calls = []

    def hash(self, password):
        self.calls.append("hash")
        return hashlib.sha256(password.encode()).hexdigest()[:60]

    def verify(self, password, password_hash):
        self.calls.append("verify")
        return hashlib.sha256(password.encode()).hexdigest()[:60] == password_hash


def make_settings(**changed):
    """Settings that depend on neither the environment nor a .env file."""
    values = {"database_url": "memory:", "jwt_secret": SECRET, "access_log": "off", "allowed_hosts": HOSTS}
    values |= changed
    return Settings(**values)


@dataclass(frozen=True)
class Response:
    status_code: int
    raw_headers: list
    content: bytes

    @cached_property
    def headers(self):
        return {name.decode(): value.decode() for name, value in self.raw_headers}

    @property
    def set_cookies(self):
        return [value.decode() for name, value in self.raw_headers if name == b"set-cookie"]

    @property
    def text(self):
        return self.content.decode()

    @property
    def json(self):
        return json.loads(self.content)


class Client:
    """Sends requests to an ASGI application that runs in its own event loop, as in a worker."""

    def __init__(self, app):
        self._app = app
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.state = {}
        self._lifespan_events = asyncio.Queue()
        self._lifespan_replies = asyncio.Queue()
        self._lifespan = asyncio.run_coroutine_threadsafe(self._run_lifespan(), self._loop)
        self._run(self._send_lifespan("lifespan.startup"))

    def close(self):
        self._run(self._send_lifespan("lifespan.shutdown"))
        self._lifespan.result(timeout=60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def request(self, method, path="/", headers=None, json=None, body=b"", client="10.1.2.3"):
        headers = dict(headers or {})
        if json is not None:
            body = json_bytes(json)
            headers.setdefault("Content-Type", "application/json")
        if body:
            headers.setdefault("Content-Length", str(len(body)))
        plain, _, query = path.partition("?")
        raw = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in headers.items()]
        return self.send(method, plain, query.encode("latin1"), raw, [body], client)

    def send(self, method, path, query=b"", headers=(), body=(b"",), client="10.1.2.3", host=b"api.example"):
        """Send a request of raw parts, its body in pieces."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("utf-8", "surrogateescape"),
            "query_string": query,
            "root_path": "",
            "headers": [*([(b"host", host)] if host else []), *headers],
            "client": (client, 50_000),
            "server": ("127.0.0.1", 8002),
        }
        response = self._run(self._exchange(scope, list(body)))
        check_response(method, path, response)
        return response

    def get(self, path, **sent):
        return self.request("GET", path, **sent)

    def post(self, path, json=None, **sent):
        return self.request("POST", path, json=json, **sent)

    def register(self, **changed):
        """Register a user, and return the token."""
        response = self.post("/register", ADA | changed)
        assert response.status_code == 201, response.text
        return response.json["token"]

    async def _exchange(self, scope, body):
        pieces = [
            {"type": "http.request", "body": piece, "more_body": index < len(body) - 1}
            for index, piece in enumerate(body)
        ]
        sent = []

        async def receive():
            return pieces.pop(0) if pieces else {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await self._app(scope, receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return Response(sent[0]["status"], list(sent[0]["headers"]), content)

    async def _run_lifespan(self):
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        await self._app(scope, self._lifespan_events.get, self._lifespan_replies.put)

    async def _send_lifespan(self, kind):
        await self._lifespan_events.put({"type": kind})
        assert (await self._lifespan_replies.get())["type"] == f"{kind}.complete"

    def run(self, coroutine):
        """Run a coroutine in the event loop of the application, and return its result."""
        return self._run(coroutine)

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=60)


def json_bytes(value):
    return json.dumps(value).encode()


def check_response(method, path, response):
    """Check what every response promises: its headers, its form, and that /openapi.json describes it."""
    headers = response.headers
    assert "Origin" in headers["vary"]
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"]
    assert headers["x-request-id"]
    assert response.status_code < 500 or response.status_code == 503, response.text
    if response.status_code >= 400 and method != "HEAD":
        assert headers["content-type"] == "application/json"
        assert list(response.json) == ["error"]
        assert response.json["error"]
        assert response.json["error"].isprintable()
    check_documented(method, path, response)


def check_documented(method, path, response):
    template = "/static/{path}" if path.startswith("/static/") else path
    operation = DOCUMENT["paths"].get(template, {}).get(method.lower())
    if operation is None:
        assert response.status_code in {200, 204, 304, 400, 401, 403, 404, 405, 421, 503}
        return
    documented = operation["responses"].get(str(response.status_code))
    assert documented is not None, f"{method} {path} {response.status_code} is not in /openapi.json"
    content = documented.get("content", {})
    kind = response.headers.get("content-type", "").partition(";")[0]
    assert not content or kind in content or "*/*" in content
    if schema := content.get(kind, {}).get("schema"):
        validator_for(schema["$ref"]).validate(response.json)


@cache
def validator_for(reference):
    return jsonschema_rs.Draft202012Validator({"$ref": reference, "components": DOCUMENT["components"]})
