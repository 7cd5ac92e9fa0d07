"""The access log, request ids and metrics."""

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from falcon.asgi import Response
from prometheus_client import CollectorRegistry, generate_latest

from support.web_client import ADA, Client, make_settings
from support.web_server import wait_until
from vigility.web.api.metrics import MetricsResource
from vigility.web.app import create_app
from vigility.web.fast_path import event_writer
from vigility.web.fast_path.event_writer import EventWriter
from vigility.web.http.requests import Request
from vigility.web.middleware import access_log
from vigility.web.middleware.metrics import GroupedHistogram, Metrics
from vigility.web.middleware.metrics_folder import remove_abandoned_folders


class Lines(list):
    """The lines of the log. They are written from another thread, a moment after the response."""

    def add(self, piece):
        self.extend(piece.splitlines(keepends=True))

    def wait_for(self, count):
        wait_until(lambda: len(self) >= count)
        return self


@pytest.fixture
def lines(monkeypatch):
    lines = Lines()
    monkeypatch.setattr(access_log, "StandardOutput", lambda: lines.add)
    return lines


@pytest.fixture
def logged(v, clock, lines):  # noqa: ARG001 - patched in before the application is made
    client = Client(create_app(v, make_settings(access_log="on"), clock))
    yield client
    client.close()


def test_each_request_is_one_line(logged, lines):
    token = logged.register()
    response = logged.get(
        "/me?x=secret", headers={"Authorization": f"Bearer {token}", "X-Request-ID": "abc-1"}
    )
    line = json.loads(lines.wait_for(2)[1])
    assert line.pop("time").endswith("+00:00")
    assert line.pop("ms") >= 0
    assert line.pop("pid") > 0
    assert line == {
        "request_id": "abc-1",
        "address": "10.1.2.3",
        "method": "GET",
        "path": "/me",
        "status": 200,
        "bytes": len(response.content),
        "user_id": 1,
    }


def test_no_secret_reaches_the_log(logged, lines, caplog):
    token = logged.register()
    logged.post("/login", {"username": "ada", "password": "a wrong secret"})
    logged.get(f"/me?token={token}", headers={"Cookie": f"auth_token={token}"})
    logged.post("/logout", headers={"Authorization": f"Bearer {token}"})
    logged.get("/me", headers={"Authorization": f"Bearer {token}"})
    written = b"".join(lines.wait_for(5)).decode() + caplog.text
    for secret in (token, token.split(".")[2], ADA["password"], "a wrong secret", "auth_token"):
        assert secret not in written


@pytest.mark.parametrize("path", ["/a\nb", "/\x1b[2J", "/\r\n{}", "/ü\u2028\x85", '/"},{"', "/" + "x" * 5000])
def test_no_path_starts_a_log_line_or_contains_control_characters(logged, lines, path):
    logged.send("GET", path)
    assert re.fullmatch(rb"[ -~]+\n", lines.wait_for(1)[0])
    assert json.loads(lines[0])["path"] == path[:200]


@pytest.mark.parametrize("sent", ["", "a b", "x" * 65, "ü", "a\r\nb", "{}"])
def test_an_unsafe_request_id_is_replaced(client, sent):
    raw = [(b"x-request-id", sent.encode())]
    returned = client.send("GET", "/health", headers=raw).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{32}", returned)


def test_metrics_count_requests_by_route_and_events(client, bearer):
    for _ in range(3):
        client.post("/track", {"feature_name": "a"}, headers=bearer)
    client.get("/no/such/path")
    client.request("BREW", "/health")
    text = client.get("/metrics").text
    assert 'vigility_http_requests_total{method="POST",route="/track",status="201"} 3.0' in text
    assert 'vigility_http_requests_total{method="GET",route="none",status="404"} 1.0' in text
    assert 'method="other"' in text
    assert 'vigility_http_request_seconds_count{method="POST",route="/track"} 3.0' in text
    assert "vigility_events_stored_total 3.0" in text
    assert "vigility_queue_length 0.0" in text
    assert "/no/such/path" not in text


@contextmanager
def counted(metrics, rendered=b"x"):
    """Metrics whose rendering is counted, and can be held up."""
    calls, proceed = [], threading.Event()
    proceed.set()

    def render():
        calls.append(threading.current_thread())
        assert proceed.wait(60)
        return rendered

    metrics.render = render
    yield calls, proceed


def test_clients_that_scrape_at_the_same_time_get_the_same_text():
    async def scrape():
        metrics = Metrics(None)
        with counted(metrics) as (calls, proceed):
            proceed.clear()
            resource, responses = MetricsResource(metrics), [Response() for _ in range(24)]
            request = Request(scope_of("/metrics"), None)
            asking = [asyncio.ensure_future(resource.on_get(request, each)) for each in responses]
            await asyncio.sleep(0)
            proceed.set()
            await asyncio.gather(*asking)
            await resource.on_get(request, Response())  # within the same second
            return calls, [each.data for each in responses]

    calls, contents = asyncio.run(scrape())
    assert contents == [b"x"] * 24
    assert [each is threading.main_thread() for each in calls] == [False]


def test_metrics_are_rendered_again_after_a_second(monkeypatch):
    now = 1_000.0
    monkeypatch.setattr("vigility.web.api.metrics.monotonic", lambda: now)

    async def scrape():
        nonlocal now
        metrics, request = Metrics(None), Request(scope_of("/metrics"), None)
        with counted(metrics) as (calls, _):
            resource = MetricsResource(metrics)
            for seconds in (0, 0.9, 0.2, 0.9, 0.2):
                now += seconds
                await resource.on_get(request, Response())
            return len(calls)

    assert asyncio.run(scrape()) == 3


def test_metrics_that_could_not_be_rendered_are_rendered_again():
    async def scrape():
        metrics, request = Metrics(None), Request(scope_of("/metrics"), None)
        resource, render = MetricsResource(metrics), metrics.render
        metrics.render = lambda: 1 / 0
        with pytest.raises(ZeroDivisionError):
            await resource.on_get(request, Response())
        metrics.render = render
        response = Response()
        await resource.on_get(request, response)
        return response.data

    assert b"vigility_events_stored_total" in asyncio.run(scrape())


def scope_of(path, *headers):
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": list(headers),
    }


TOKEN = "m" * 16


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN}", 200),
        (f"Basic {TOKEN}", 401),
        (f"Bearer {TOKEN}x", 401),
        (TOKEN, 401),
        ("", 401),
        ("Bearer \xff", 401),
    ],
)
def test_metrics_can_need_a_token(open_client, authorization, status):
    client = open_client(metrics_token=TOKEN)
    response = client.get("/metrics", headers={"Authorization": authorization})
    assert response.status_code == status
    if status == 401:
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json["error"].startswith("The metrics need the bearer token")
    assert client.get("/health").status_code == 200


def test_a_token_of_a_user_is_none_for_the_metrics(open_client):
    client = open_client(metrics_token=TOKEN)
    bearer = {"Authorization": f"Bearer {client.register()}"}
    assert client.get("/metrics", headers=bearer).status_code == 401


def test_folders_of_servers_that_were_killed_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = "from vigility.web.middleware.metrics_folder import new_folder; import time; "
    program += "print(new_folder(), flush=True); time.sleep(600)"
    running, killed = (
        subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env={"TMPDIR": str(tmp_path)}
        )
        for _ in range(2)
    )
    kept, abandoned = (Path(each.stdout.readline().strip()) for each in (running, killed))
    (abandoned / "counter_1.db").touch()
    others = [tmp_path / "vigility-metrics-made-just-now", tmp_path / "vigility-metrics-file", tmp_path / "x"]
    others[0].mkdir()
    others[1].touch()
    others[2].mkdir()
    (others[2] / "in-use").touch()
    (tmp_path / "vigility-metrics-link").symlink_to(others[2])
    try:
        remove_abandoned_folders()
        assert abandoned.exists()  # its server runs
        killed.kill()
        killed.wait()
        remove_abandoned_folders()
        assert not abandoned.exists()
        assert all(each.exists() for each in [kept, *others])
    finally:
        running.kill()
        for each in (running, killed):
            each.wait()
            each.stdout.close()


def test_folders_of_other_users_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / "vigility-metrics-other"
    folder.mkdir()
    (folder / "in-use").touch()
    monkeypatch.setattr("os.geteuid", lambda: folder.stat().st_uid + 1)
    remove_abandoned_folders()
    assert folder.exists()
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    remove_abandoned_folders()
    assert not folder.exists()


def queue_length(metrics):
    (line,) = re.findall(r"^vigility_queue_length (.+)$", metrics.render().decode(), re.MULTILINE)
    return float(line)


def test_the_length_of_the_queue_is_shown_during_a_long_transaction(v, monkeypatch):
    monkeypatch.setattr(event_writer, "_WATCH_SECONDS", 0)
    ada, metrics = v.register(**ADA), Metrics(None)
    began, proceed = threading.Event(), threading.Event()
    add = v.events._queue._sink.add

    def blocked(records):
        began.set()
        assert proceed.wait(60)
        return add(records)

    monkeypatch.setattr(v.events._queue._sink, "add", blocked)

    async def lengths():
        writer = EventWriter(v, metrics)
        stored = [asyncio.get_running_loop().create_future() for _ in range(3)]
        for future in stored:
            writer.submit(ada, "a", None, None, future.set_result)
            assert await asyncio.to_thread(began.wait, 60)
        meanwhile = queue_length(metrics)
        proceed.set()
        await asyncio.gather(*stored)
        return meanwhile, queue_length(metrics)

    assert asyncio.run(lengths()) == (2, 0)


def test_a_repeated_event_is_not_counted_as_stored(client, bearer):
    event = {"feature_name": "a", "event_id": "123e4567-e89b-42d3-a456-426614174000"}
    for _ in range(3):
        client.post("/track", event, headers=bearer)
    assert "vigility_events_stored_total 1.0" in client.get("/metrics").text


def test_many_observations_equal_single_ones():
    # The class uses internals of prometheus_client, which may change.
    amounts = [0.0, 0.001, 0.0011, 0.5, 0.5, 3.0, 10.0, 11.0]
    rendered, buckets = [], (0.001, 0.5, 10.0)
    for way in ("at once", "one by one"):
        registry = CollectorRegistry()
        histogram = GroupedHistogram("seconds", "Seconds.", ["route"], buckets=buckets, registry=registry)
        if way == "at once":
            histogram.labels("/track").observe_all(amounts)
        else:
            for amount in amounts:
                histogram.labels("/track").observe(amount)
        lines = generate_latest(registry).decode().splitlines()
        rendered.append([line for line in lines if "_created" not in line])
    assert rendered[0] == rendered[1]
    assert 'seconds_bucket{le="+Inf",route="/track"} 8.0' in rendered[0]
