"""Reloads and stops under load, of which no client may notice anything but a refused connection."""

import http.client
import json
import re
import select
import signal
import socket
import threading
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from random import Random

from support.durability import cluster
from support.durability.serving import Site
from support.web_server import TIMEOUT, wait_until

BODY = b'{"feature_name":"seamless"}'


@dataclass
class Outcome:
    reloads: int = 0
    stops: int = 0
    responses: int = 0
    faults: Counter = field(default_factory=Counter)


@dataclass(frozen=True)
class Kind:
    """How a client uses its connections: one for each request or for many, and with which pauses (seconds).

    Requests with a cookie take the normal path.
    """

    name: str
    new_connections: bool = False
    longest_pause: float = 0
    headers: bytes = b""


KINDS = (
    Kind("kept alive"),
    Kind("kept alive, normal path", headers=b"Cookie: a=b\r\n"),
    Kind("new connections", new_connections=True),
    Kind("new connections, normal path", new_connections=True, headers=b"Cookie: a=b\r\n"),
    Kind("now and then", longest_pause=0.3),
    Kind("seldom", longest_pause=4, headers=b"Cookie: a=b\r\n"),
)


class Client(threading.Thread):
    """Tracks until it is told to end, and counts every request without a good response."""

    def __init__(self, site, token, kind, seed):
        super().__init__(daemon=True)
        self._site, self._kind, self._random = site, kind, Random(seed)
        head = f"POST /track HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n".encode()
        head += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(BODY)
        self._request = head + kind.headers + b"\r\n" + BODY
        self._connection = None
        self.ending = threading.Event()
        self.responses = 0
        self.faults = Counter()

    def run(self):
        while not self.ending.is_set():
            try:
                self._send()
            except Exception as error:  # noqa: BLE001 - counted
                self.faults[f"{self._kind.name}: {error!r}"] += 1
                self._close()
            if self._kind.longest_pause:
                self.ending.wait(self._random.random() * self._kind.longest_pause)
        self._close()

    def _send(self):
        if self._connection is not None and select.select([self._connection], [], [], 0)[0]:
            self._close()  # the server has closed it while nothing was going on, as any server may
        if self._connection is None and not self._connect():
            return
        self._connection.sendall(self._request)
        response = http.client.HTTPResponse(self._connection, method="POST")
        response.begin()
        content = response.read()
        if response.status != 201 or "id" not in json.loads(content):
            self.faults[f"{self._kind.name}: {response.status} {content[:80]}"] += 1
        self.responses += 1
        if self._kind.new_connections or response.will_close:
            self._close()

    def _connect(self):
        """Whether there is a server at all."""
        try:
            self._connection = socket.create_connection(("127.0.0.1", self._site.port), timeout=TIMEOUT)
        except ConnectionRefusedError:  # a server that is stopped may refuse: nothing was sent
            if self._site.up.is_set():
                raise
            self._site.up.wait(TIMEOUT)
            return False
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return True

    def _close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Load:
    """Some clients of each kind."""

    def __init__(self, site, each=2):
        token = site.server.register(username="seamless")["Authorization"]
        self._clients = [Client(site, token, kind, seed) for seed in range(each) for kind in KINDS]

    def __enter__(self):
        for client in self._clients:
            client.start()
        self.wait_for_responses(100)
        return self

    def __exit__(self, *_):
        for client in self._clients:
            client.ending.set()
        for client in self._clients:
            client.join(TIMEOUT)

    @property
    def responses(self):
        return sum(client.responses for client in self._clients)

    @property
    def faults(self):
        return sum((client.faults for client in self._clients), Counter())

    def wait_for_responses(self, count):
        """Wait until so many more have come."""
        until = self.responses + count
        waiting = threading.Event()
        for _ in range(TIMEOUT * 100):
            if self.responses >= until:
                return
            waiting.wait(0.01)
        raise AssertionError(f"no responses any more: {self.faults}")


def direct(folder, reloads, stops, log=lambda _: None):
    """Reload and stop one server, to which the clients connect directly."""
    outcome = Outcome()
    with Site(folder) as site, Load(site) as load:
        for _ in range(reloads):
            reload(site.server)
            _note(outcome, load, log, "reloads")
        for _ in range(stops):
            if (code := site.stop()) != 0:
                outcome.faults[f"the server ended with {code}"] += 1
            site.start()
            _note(outcome, load, log, "stops")
    return outcome


def through_nginx(folder, reloads, stops, log=lambda _: None):
    """Reload and stop two servers behind nginx in turn. nginx asks the other one if one refuses."""
    outcome = Outcome()
    with cluster.running(folder, "sqlite") as site, Load(site) as load:
        for number in range(reloads):
            reload(site.instances[number % 2])
            _note(outcome, load, log, "reloads")
        for number in range(stops):
            if (code := site.instances[number % 2].stop()) != 0:
                outcome.faults[f"the server ended with {code}"] += 1
            site.start_again(number % 2)
            wait_until(partial(tracked, site.instances[number % 2]))  # nginx uses it again
            _note(outcome, load, log, "stops")
    return outcome


def reload(server):
    """Send HUP. Returns when the old workers have ended."""
    old = server.worker_ids
    server.process.send_signal(signal.SIGHUP)
    for worker in old:
        server.wait_for_line(f"Worker exiting (pid: {worker})")


def tracked(server):
    """How many events a server has stored since its start."""
    with server.connect() as connection:
        text = connection.send("GET", "/metrics")[1].decode()
    return float(re.search(r"^vigility_events_stored_total (.+)$", text, re.MULTILINE)[1])


def _note(outcome, load, log, kind):
    load.wait_for_responses(100)
    setattr(outcome, kind, getattr(outcome, kind) + 1)
    outcome.responses, outcome.faults = load.responses, outcome.faults | load.faults
    log(f"{outcome.reloads} reloads, {outcome.stops} stops, {outcome.responses} responses, {outcome.faults}")
