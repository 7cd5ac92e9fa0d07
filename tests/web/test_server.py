"""A real gunicorn with two workers over real sockets."""

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

import vigility
from support import postgres
from support.reports import totals
from support.web_client import ADA, SECRET
from support.web_server import BIN, TIMEOUT, Server, running, send_raw, wait_until

pytestmark = pytest.mark.server

GUNICORN = [sys.executable, "-m", "gunicorn", "-c", "python:vigility.web.server.gunicorn_conf"]
GUNICORN += ["vigility.web.server.asgi:app"]

CONNECTION_ERRORS = (http.client.HTTPException, OSError)  # the server went away before it responded

_numbers = itertools.count()


@pytest.fixture(scope="module", params=["sqlite", postgres.PARAM])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    if request.param == "sqlite":
        with running(folder) as server:
            yield server
        return
    url = postgres.bare_database()
    with running(folder, DATABASE_URL=url, JWT_SECRET=SECRET) as server:
        yield server
    postgres.drop(url)


@pytest.fixture(scope="module")
def bearer(server):
    return server.register(username="shared")


def test_the_contract_over_a_socket(server):
    with server.connect() as client:
        status, body = client.send("POST", "/register", ADA | {"username": "c_ok", "age": "25"})
        assert status == 201
        cookies = client.response.headers.get_all("Set-Cookie")
        assert [cookie.partition("=")[0] for cookie in cookies] == ["auth_token", "user_data"]
        cookie = {"Cookie": cookies[0].partition(";")[0]}
        status, event = client.send("POST", "/track", {"feature_name": "date_filter"}, cookie)
        assert (status, event["featureName"], event["userId"]) == (201, "date_filter", body["user"]["id"])
        status, report = client.send("GET", "/analytics?feature=date_filter", headers=cookie)
        assert (status, sum(point["count"] for point in report["lineChartData"])) == (200, 1)
        assert client.send("GET", "/health") == (200, {"status": "ok"})
        assert client.send("GET", "/me", headers=cookie)[1]["user"]["username"] == "c_ok"
        assert client.send("GET", "/nope")[0] == 404
        assert client.response.headers["Vary"] == "Origin"
        assert "Server" not in client.response.headers


def test_concurrent_registrations_of_one_name(server):
    start = threading.Barrier(20)

    def register(_):
        with server.connect() as client:
            client.send("GET", "/health")
            start.wait(timeout=TIMEOUT)
            return client.send("POST", "/register", ADA | {"username": "wanted"})

    with ThreadPoolExecutor(20) as pool:
        responses = list(pool.map(register, range(20)))
    assert sorted(status for status, _ in responses) == [201] + [400] * 19
    refusals = {body["error"] for status, body in responses if status == 400}
    assert refusals == {"Username already exists"}


def connected(stack, server, bearer, workers=2):
    """A connection to each of so many workers, all of which have cached the user.

    Connects until every worker has accepted a connection, because the system chooses the worker.
    """
    found = {}
    deadline = time.monotonic() + TIMEOUT
    while len(found) < workers:
        assert time.monotonic() < deadline, f"{len(found)} of {workers} workers answered"
        client = server.connect()
        pid = worker_of(server, client, bearer)
        if pid in found:
            client.close()
        else:
            found[pid] = stack.enter_context(client)
    return list(found.values())


def worker_of(server, client, bearer):
    """The worker at the other end of a connection."""
    request_id = f"request-{next(_numbers)}"
    assert client.send("GET", "/me", headers=bearer | {"X-Request-ID": request_id})[0] == 200
    server.wait_for_line(request_id)
    return next(line["pid"] for line in server.access_lines if line["request_id"] == request_id)


def test_a_log_out_is_effective_on_every_worker(server):
    """How soon is tested with a test clock: see tests/web/test_tokens.py."""
    token = server.register(username="leaver")
    with ExitStack() as stack:
        clients = connected(stack, server, token)
        assert clients[0].send("POST", "/logout", headers=token)[0] == 200
        assert clients[0].send("GET", "/me", headers=token)[0] == 401
        wait_until(
            lambda: clients[1].send("GET", "/me", headers=token)[0] == 401,
            "a worker still accepts the token",
        )


def test_a_log_out_survives_a_restart(tmp_path):
    with running(tmp_path) as server:
        token = server.register()
        with server.connect() as client:
            assert client.send("POST", "/logout", headers=token)[0] == 200
    with running(tmp_path) as server, server.connect() as client:
        assert client.send("GET", "/me", headers=token)[0] == 401
        status, body = client.send("POST", "/login", {"username": "ada", "password": ADA["password"]})
        assert status == 200  # and the secret is the same
        assert client.send("GET", "/me", headers={"Authorization": f"Bearer {body['token']}"})[0] == 200


def test_limits_hold_across_workers_and_x_forwarded_for_is_ignored(tmp_path):
    with running(tmp_path, VIGILITY_ATTEMPTS_PER_ADDRESS="10") as server:
        statuses = []
        for n in range(16):
            with server.connect() as client:  # a new connection each, so that both workers are used
                forged = {"X-Forwarded-For": f"203.0.113.{n}"}
                login = {"username": f"user{n}", "password": "a long password"}
                statuses.append(client.send("POST", "/login", login, forged)[0])
        assert statuses == [400] * 10 + [429] * 6
        assert client.response.headers["Retry-After"]


class Load:
    """Clients that track without a pause, count acknowledged events, and retry the others."""

    def __init__(self, server, bearer, senders=4):
        self.acknowledged = [0] * senders
        self._server, self._bearer = server, bearer
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(senders)]
        self.failures = []

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=TIMEOUT)

    def wait_until(self, count):
        deadline = time.monotonic() + TIMEOUT
        while sum(self.acknowledged) < count:
            assert time.monotonic() < deadline
            assert not self.failures, self.failures
            self._stopping.wait(0.01)

    def _send(self, n):
        while not self._stopping.is_set():
            try:
                with self._server.connect() as client:
                    while not self._stopping.is_set():
                        status, body = client.send("POST", "/track", {"feature_name": f"f{n}"}, self._bearer)
                        if status != 201:
                            self.failures.append((status, body))
                            return
                        self.acknowledged[n] += 1
            except CONNECTION_ERRORS:
                self._stopping.wait(0.01)


def stored(folder):
    with vigility.connect(f"sqlite:///{folder}/usage.db") as v:
        assert v.maintenance.verify_rollups() == []
        return totals(v.report())


def test_a_stop_under_load_exits_0_and_loses_no_acknowledged_event(tmp_path):
    server = Server(tmp_path).start()
    bearer = server.register()
    with Load(server, bearer) as load:
        load.wait_until(100)
        assert server.stop(signal.SIGTERM) == 0
    assert "graceful shutdown exceeded" not in server.output
    counts = stored(tmp_path)
    assert "Traceback" not in server.output
    for n, acknowledged in enumerate(load.acknowledged):
        # One more may be stored than was acknowledged, but none fewer.
        assert counts[f"f{n}"] - acknowledged in {0, 1}
    assert not load.failures


def test_requests_under_way_are_completed(tmp_path):
    server = Server(tmp_path, workers=1).start()
    body = json.dumps(ADA).encode()
    head = b"POST /register HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
    head += b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as connection:
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"  # so it is under way
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_line("Waiting for connections to close")
        connection.sendall(body)
        with connection.makefile("rb") as response:
            assert response.readline() == b"HTTP/1.1 201 Created\r\n"
            headers = http.client.parse_headers(response)
            assert json.loads(response.read(int(headers["Content-Length"])))["user"]["username"] == "ada"
            assert response.read() == b""
    assert server.stop() == 0


def test_all_workers_restart_under_load(tmp_path):
    with running(tmp_path) as server:
        bearer = server.register()
        before = set(server.worker_ids)
        with Load(server, bearer) as load:
            load.wait_until(50)
            server.process.send_signal(signal.SIGHUP)
            server.wait_for_line("Application startup complete", 4)
            server.wait_for_line("Worker exiting", 2)
            load.wait_until(sum(load.acknowledged) + 50)
        wait_until(lambda: not before & set(server.worker_ids))
        counts = stored(tmp_path)
        # The counts of workers that have ended still count.
        wait_for_metric(server, f"vigility_events_stored_total {sum(counts.values())}.0")
    for n, acknowledged in enumerate(load.acknowledged):
        # A closing connection can lose a response; two workers closed at most.
        assert 0 <= counts[f"f{n}"] - acknowledged <= 3
    assert not load.failures


def wait_for_metric(server, line):
    """Wait until the metrics contain this line, because a worker responds first and counts afterwards."""
    texts = []

    def is_shown():
        with server.connect() as client:
            texts.append(client.send("GET", "/metrics")[1].decode())
        return f"\n{line}\n" in texts[-1]

    wait_until(is_shown, f"not {line}")
    return texts[-1]


def test_signals_for_the_master_do_not_end_or_freeze_a_worker(tmp_path):
    """`pkill -HUP vigility` sends it to every process."""
    with running(tmp_path, workers=1) as server, server.connect() as connection:
        (worker,) = server.worker_ids
        for number in (signal.SIGHUP, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU, signal.SIGWINCH):
            os.kill(worker, number)
            assert connection.send("GET", "/health")[0] == 200
        assert server.worker_ids == [worker]


def test_a_killed_worker_is_replaced_and_its_counts_remain(tmp_path):
    with running(tmp_path) as server:
        bearer = server.register()
        with ExitStack() as stack:
            for client in [stack.enter_context(server.connect()) for _ in range(8)]:
                assert client.send("POST", "/track", {"feature_name": "a"}, bearer)[0] == 201
        wait_for_metric(server, "vigility_events_stored_total 8.0")
        subprocess.run(["kill", "-9", str(server.worker_ids[0])], check=True)
        server.wait_for_line("Application startup complete", 3)
        with server.connect() as client:
            assert client.send("GET", "/me", headers=bearer)[0] == 200
        metrics = wait_for_metric(server, "vigility_events_stored_total 8.0")
        assert "vigility_queue_length 0.0" in metrics


def test_gunicorn_starts_with_only_the_configuration(tmp_path):
    server = Server(tmp_path, command=GUNICORN).start()
    with server.connect() as client:
        assert client.send("GET", "/health") == (200, {"status": "ok"})
    assert server.stop() == 0


def test_workers_that_start_concurrently_create_one_secret(tmp_path):
    """Without gunicorn's configuration each worker creates the database and the secret."""
    port = Server(tmp_path).port
    command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "-w", "4"]
    command += [
        "--no-control-socket",
        "-k",
        "vigility.web.server.worker.Worker",
        "vigility.web.server.asgi:app",
    ]
    server = Server(tmp_path, workers=4, command=command)
    server.port = port
    server.start()
    try:
        bearer = server.register()
        with ExitStack() as stack:
            assert len(connected(stack, server, bearer)) == 2
    finally:
        assert server.stop() == 0
    secret = tmp_path / "usage.db-secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert len(secret.read_bytes()) > 32
    assert not list(tmp_path.glob("usage.db-secret.*"))


def test_connections_are_opened_after_the_fork(tmp_path):
    with running(tmp_path) as server:
        server.register()
        open_files = [path.resolve().name for path in Path(f"/proc/{server.process.pid}/fd").iterdir()]
        assert not [name for name in open_files if name.startswith("usage.db")]
        threads = Path(f"/proc/{server.process.pid}/task")
        assert len(list(threads.iterdir())) == 1


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"JWT_SECRET": "short"}, "JWT_SECRET must have 32 bytes or more, not 5; make one with: "),
        (
            {"DATABASE_URL": "postgresql://db/usage"},
            "JWT_SECRET is required with PostgreSQL; make one with: ",
        ),
        ({"DATABASE_URL": "postgres://db/usage"}, "JWT_SECRET is required with PostgreSQL; make one with: "),
        ({"DATABASE_URL": "memory:"}, "DATABASE_URL memory: is not shared by workers"),
        ({"PORT": "x"}, "PORT must be a whole number"),
        ({"PORT": "70000"}, "PORT must be less than or equal to 65535"),
        ({"FRONTEND_URL": "app.example"}, "FRONTEND_URL must be a web address"),
        ({"VIGILITY_RATE_LIMIT": "no"}, "VIGILITY_RATE_LIMIT must be 'on' or 'off'"),
        ({"DATABASE_URL": "sqlite:////nowhere/usage.db"}, "/nowhere/usage.db-secret: "),
    ],
    ids=repr,
)
def test_a_server_that_cannot_start_says_why_in_one_line(tmp_path, environment, sentence):
    server = Server(tmp_path, **environment)
    done = subprocess.run(
        server._command, cwd=tmp_path, env=server._environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in {1, 2}
    assert done.stderr.startswith(f"vigility: {sentence}")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_gunicorn_that_cannot_start_says_why_in_one_line(tmp_path):
    server = Server(tmp_path, command=GUNICORN, JWT_SECRET="short")
    done = subprocess.run(
        server._command, cwd=tmp_path, env=server._environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("vigility: JWT_SECRET must have 32 bytes or more")
    assert done.stderr.count("\n") == 1


def test_settings_come_from_a_dotenv_file_too(tmp_path):
    (tmp_path / ".env").write_text("DATABASE_URL=sqlite:///from-dotenv.db\nJWT_SECRET=short\n")
    environment = Server(tmp_path)._environment
    del environment["DATABASE_URL"]
    command = [BIN / "vigility", "serve"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "JWT_SECRET must have 32 bytes" in done.stderr


# No client library would send the following requests.

HOST = b"Host: x\r\n"
HEALTH = b"GET /health HTTP/1.0\r\n\r\n"
MALFORMED = {
    "garbage": b"\x00\x01garbage\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "bad method": b"G@T / HTTP/1.1\r\n" + HOST + b"\r\n",
    "raw bytes in the path": b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n",
    "raw bytes in the query": b"GET /analytics?gender=\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "escaped bytes in the path": b"GET /%ff%00%0a HTTP/1.1\r\n" + HOST + b"\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n",
    "two lengths": b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "length and chunks": b"POST /login HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    "a length in words": b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: two\r\n\r\n{}",
    "a bad chunk": b"POST /login HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an endless head": b"GET / HTTP/1.1\r\n" + b"X-Filler: " + b"x" * 300_000 + b"\r\n\r\n",
    "an endless line": b"GET /" + b"x" * 300_000 + b" HTTP/1.1\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an absolute address": b"GET http://evil.example/health HTTP/1.1\r\n" + HOST + b"\r\n",
    "connect": b"CONNECT evil.example:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "trace": b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "an upgrade": b"GET / HTTP/1.1\r\n"
    + HOST
    + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
}


def test_a_request_names_one_host(server):
    assert send_raw(server.port, b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n")[0] == 200
    for hosts in (b"", HOST + b"Host: y\r\n", HOST * 2):
        assert send_raw(server.port, b"GET /health HTTP/1.1\r\n" + hosts + b"\r\n")[0] == 400


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_requests_cause_no_5xx(server, sent):
    began = len(server.lines)
    if received := send_raw(server.port, sent):
        status, content_type, body = received
        assert status < 500
        if status >= 400:
            assert content_type == "application/json"
            assert list(json.loads(body)) == ["error"]
    assert send_raw(server.port, HEALTH)[0] == 200
    assert "Traceback" not in "".join(list(server.lines)[began:])


def test_a_large_body_is_refused_and_the_connection_stays_open(server, bearer):
    with server.connect() as client:
        status, body = client.send("POST", "/track", {"feature_name": "x" * 5_000_000}, bearer)
        assert (status, body) == (413, {"error": "The body must have at most 102400 bytes"})
        assert client.send("GET", "/health")[0] == 200


def test_a_large_body_in_chunks_is_refused(server, bearer):
    head = f"POST /track HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer['Authorization']}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    assert send_raw(server.port, head.encode() + chunk * 40 + b"0\r\n\r\n")[0] == 413


def test_an_unfinished_request_does_not_keep_the_server_from_stopping(tmp_path):
    server = Server(tmp_path, workers=1, VIGILITY_GRACE_SECONDS="3").start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as connection:
        head = b"POST /login HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n"
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"  # so it is under way
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 25  # by default it would be 29
    # The worker abandoned the request and ended in order; nobody had to kill it.
    assert "timeout graceful shutdown exceeded" in server.output
    assert "Application shutdown complete" in server.output
