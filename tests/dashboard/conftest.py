"""The dashboard in Chromium, with a real server of two workers and a real database.

Only the clock of the page is not real: it stands still until a test moves it, so that no test depends on the
speed of the machine.
"""

import itertools
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import pytest

import vigility
from support.web_server import TIMEOUT, free_port, wait_until
from vigility.core.times import CALENDAR

PASSWORD = "a long password"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

NOON = "2026-03-01T12:00:00Z"  # on the clock of the page

_names = itertools.count(1)


@dataclass(frozen=True)
class Server:
    """A running server and the database under it."""

    url: str
    database: str

    def seed(self, users, events):
        """Store users `(name, age, gender)` and events `(name, feature, time)` without the server."""
        with vigility.connect(self.database) as v:
            v.users.import_many([v.users.validated(*user) for user in users])
            # At times of the clock of the page, which can be ahead of the clock of this machine.
            importer = v.events.importer(CALENDAR)
            assert not importer.store([vigility.NewEvent(*event) for event in events]).rejected


@dataclass
class Visitor:
    """A person with their own browser, and what the page did there."""

    page: object
    server: Server
    name: str = ""
    calls: list = field(default_factory=list)  # ("track", feature) and ("analytics", query), in order
    sent: list = field(default_factory=list)  # bodies of POST /track
    problems: list = field(default_factory=list)
    expected: list = field(default_factory=list)  # parts of the problems that the test causes

    def register(self, age=30, gender="Female", name=None):
        """Create an account with the API and get its cookies, so that the page opens signed in."""
        self.name = name or f"visitor-{next(_names)}-{secrets.token_hex(3)}"
        fields = {"username": self.name, "password": PASSWORD, "age": age, "gender": gender}
        response = self.page.request.post(f"{self.server.url}/register", data=fields)
        assert response.status == 201, response.text()
        return response.json()["user"]

    def open(self, path="/dashboard"):
        """Open a path and wait until the page is idle."""
        self.page.goto(self.server.url + path)
        self.wait_until_idle()

    def wait_until_idle(self):
        """Wait until the charts show the result of the last request."""
        self.page.wait_for_selector("#charts[aria-busy=false], #sign-in")

    def hold(self, pattern):
        """Hold back the requests that match a pattern. Returns the list that collects them."""
        held = []

        def handle(route):
            held.append(route)

        self.page.route(pattern, handle)
        return held

    def advance(self, ms):
        """Advance the clock of the page. What the page then sends at once is known afterwards."""
        self.page.clock.run_for(ms)
        self.round_trip()

    def round_trip(self):
        """Send a request and wait for its response. Earlier requests of the page are known by then."""
        self.page.evaluate("fetch('/health').then((response) => response.text())")

    def wait_until_delivered(self):
        """Advance the clock of the page until the server has every event, after retries if necessary."""
        deadline = time.monotonic() + TIMEOUT
        while any(events != "[]" for events in self.page.evaluate("Object.values(sessionStorage)")):
            assert time.monotonic() < deadline
            self.advance(500)

    def bar(self, feature):
        """The bar of a feature."""
        return self.page.locator(f'.bar[aria-label^="{feature}:"]')

    def count(self, feature):
        """The count that the bar chart shows for a feature."""
        bar = self.bar(feature)
        return int(bar.locator(".count").text_content().replace(",", "")) if bar.count() else 0

    def stored(self, feature):
        """The count that the server has for a feature, of all users."""
        report = self.page.request.get(f"{self.server.url}/analytics").json()
        return {bar["feature"]: bar["count"] for bar in report["barChartData"]}.get(feature, 0)

    def features_sent(self):
        return [body["feature_name"] for body in self.sent]

    def watch(self, page):
        """Record what a page of this visitor does."""
        page.on("request", self._on_request)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))

    def _on_request(self, request):
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and not request.url.startswith(self.server.url):
            self.problems.append(f"another host: {request.url}")
        if parts.path == "/track":
            self.sent.append(request.post_data_json)
            self.calls.append(("track", request.post_data_json["feature_name"]))
        if parts.path == "/analytics":
            self.calls.append(("analytics", dict(parse_qsl(parts.query))))

    def _on_console(self, message):
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.type}: {message.text}")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real server. Each test module has its own server and database."""
    folder = tmp_path_factory.mktemp("page")
    port = free_port()
    database = f"sqlite:///{folder}/page.db"
    command = [sys.executable, "-m", "vigility", "--database", database, "serve"]
    log = folder / "server.log"
    settings = {"JWT_SECRET": secrets.token_hex(32), "VIGILITY_RATE_LIMIT": "off"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--workers", "2"],
            env=os.environ | settings,  # noqa: TID251 - the server inherits the environment of the tests
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            running = Server(f"http://127.0.0.1:{port}", database)
            _wait_for(running, process, log)
            yield running
        finally:
            process.terminate()
            process.wait(TIMEOUT)


def _wait_for(server, process, log):
    def is_healthy():
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"{server.url}/health").close()  # noqa: S310
        except (urllib.error.URLError, ConnectionError):
            return False
        return True

    wait_until(is_healthy, "the server does not respond")


@pytest.fixture(scope="module")  # while it runs, no other test in this process can use asyncio.run
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no Chromium: none of {', '.join(BROWSERS)} is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def expect(browser):  # noqa: ARG001 - skips without a browser
    sync_api = pytest.importorskip("playwright.sync_api")
    sync_api.expect.set_options(timeout=TIMEOUT * 1_000)
    return sync_api.expect


@pytest.fixture
def arrive(browser, server):
    """Creates visitors with a browser each. None may have a problem that the test does not expect."""
    visitors = []

    def arrive(**options):
        settings = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"} | options
        context = browser.new_context(**settings)
        context.set_default_timeout(TIMEOUT * 1_000)
        context.clock.install(time=NOON)
        context.clock.pause_at(NOON)
        visitor = Visitor(context.new_page(), server)
        visitor.watch(visitor.page)
        visitors.append(visitor)
        return visitor

    yield arrive
    for visitor in visitors:
        visitor.page.context.close()
        unexpected = [p for p in visitor.problems if not any(part in p for part in visitor.expected)]
        assert not unexpected


@pytest.fixture
def visitor(arrive):
    """A visitor who has an account and is signed in, with no page open yet."""
    visitor = arrive()
    visitor.register()
    return visitor
