"""Clients that track without a pause and remember the responses."""

import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from random import Random

from support.web_server import TIMEOUT, Connection

CONNECTION_ERRORS = (HTTPException, OSError)
"""What a request raises if the server goes away before it responds."""

UNKNOWN = (502, 504)
"""A proxy's status for the same, and the server's if PostgreSQL was lost during a commit."""

FEATURES = ("date_filter", "age_filter", "bar_chart_zoom", "export")


@dataclass
class Ledger:
    """What a client knows of its events.

    `unknown` counts events without an event_id that may or may not be stored: the server said so, or there
    was no response. `without_response` counts only the latter.
    """

    by_event_id: dict[str, tuple[int, str]] = field(default_factory=dict)
    without_id: dict[int, str] = field(default_factory=dict)
    unknown: int = 0
    without_response: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def acknowledged(self):
        return len(self.by_event_id) + len(self.without_id)


def merged(ledgers):
    whole = Ledger()
    for ledger in ledgers:
        if common := whole.without_id.keys() & ledger.without_id.keys():
            whole.faults.append(f"two events were acknowledged with the same id: {sorted(common)[:3]}")
        whole.without_id |= ledger.without_id
        whole.by_event_id |= ledger.by_event_id
        whole.unknown += ledger.unknown
        whole.without_response += ledger.without_response
        whole.faults += ledger.faults
    return whole


def post_once(site, connection, path, body, headers):
    """Send a request. Returns (status, content), or None if the server went away before it responded.

    In that case it returns only when the server is up again.
    """
    try:
        return connection.send("POST", path, body, headers)
    except CONNECTION_ERRORS:
        connection.close()
        assert site.up.wait(TIMEOUT), "the server did not come back"
        return None


def post_until_definite(*request):
    """Send a request until the response is definite. Returns (status, content)."""
    while (response := post_once(*request)) is None or response[0] in {503, *UNKNOWN}:
        pass
    return response


class Client(threading.Thread):
    """Sends events one by one. Half of them have an event_id and are sent until the response is definite."""

    def __init__(self, load, site, headers, random):
        super().__init__(daemon=True)
        self.ledger = Ledger()
        self._load = load
        self._site = site
        self._headers = headers
        self._random = random

    def run(self):
        try:
            with Connection(self._site.port) as self._connection:
                while self._load.may_continue():
                    self._track()
                    self._load.count()
        except Exception as error:  # noqa: BLE001 - reported with the faults of the scenario
            self.ledger.faults.append(f"a client failed: {error!r}")
            self._load.end()

    def _track(self):
        feature = self._random.choice(FEATURES)
        event_id = random_event_id(self._random) if self._random.random() < 0.5 else None
        body = {"feature_name": feature} | ({"event_id": event_id} if event_id else {})
        request = (self._site, self._connection, "/track", body, self._headers)
        if event_id:
            self._remember(*post_until_definite(*request), feature, event_id)
        elif (response := post_once(*request)) is None or response[0] in UNKNOWN:
            self.ledger.unknown += 1
            self.ledger.without_response += response is None
        elif response[0] != 503:  # 503 means: not stored
            self._remember(*response, feature, event_id)

    def _remember(self, status, event, feature, event_id):
        if status not in {200, 201} or event["featureName"] != feature or (status == 200 and not event_id):
            self.ledger.faults.append(f"{status} {event} for {feature} {event_id}")
        elif event_id:
            self.ledger.by_event_id[event_id] = (event["id"], feature)
        elif event["id"] in self.ledger.without_id:
            self.ledger.faults.append(f"two events were acknowledged with the id {event['id']}")
        else:
            self.ledger.without_id[event["id"]] = feature


class Retrier(Client):
    """Sends each event with an event_id until the response is definite, and one in five once more."""

    def _track(self):
        feature, event_id = self._random.choice(FEATURES), self._event_id()
        _, body = track_request([(event_id, feature)])
        request = (self._site, self._connection, "/track", body, self._headers)
        response = post_until_definite(*request)
        if self._random.random() < 0.2:
            response = post_until_definite(*request)
        self._remember(*response, feature, event_id)

    def _event_id(self):
        return random_event_id(self._random)


class CarelessRetrier(Retrier):
    """A control: retries as a Retrier does, but without the event_id that makes it safe."""

    def _event_id(self):
        return None


class Load:
    """Several concurrent clients. While they are paused no request is under way."""

    def __init__(self, site, seed, clients=8, kind=Client):
        headers = site.server.register(username=f"load{seed}")
        self._changed = threading.Condition()
        self._mode = "go"
        self._paused_clients = 0
        self._responses = 0
        self._clients = [kind(self, site, headers, Random(f"{seed}/{n}")) for n in range(clients)]

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.end()
        for client in self._clients:
            client.join(TIMEOUT)

    @property
    def ledger(self):
        return merged(client.ledger for client in self._clients)

    def wait_for_responses(self, count):
        """Wait for `count` more responses."""
        with self._changed:
            goal = self._responses + count
            reached = self._changed.wait_for(lambda: self._responses >= goal or self._mode == "end", TIMEOUT)
        assert reached, f"{count} responses did not come; {self.ledger.faults}"
        assert self._mode != "end", self.ledger.faults

    @contextmanager
    def paused(self):
        self._switch_to("pause")
        with self._changed:
            assert self._changed.wait_for(lambda: self._paused_clients == len(self._clients), TIMEOUT)
        yield
        self._switch_to("go")

    def end(self):
        self._switch_to("end")

    def may_continue(self):
        """Whether a client may send the next event. Waits while the load is paused."""
        with self._changed:
            self._paused_clients += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._mode != "pause")
            self._paused_clients -= 1
            return self._mode == "go"

    def count(self):
        """Count a response. Clients call this after each event."""
        with self._changed:
            self._responses += 1
            self._changed.notify_all()

    def _switch_to(self, mode):
        with self._changed:
            self._mode = mode
            self._changed.notify_all()


def track_request(events):
    """The path and the body of the request that tracks these (event_id, feature) pairs."""
    bodies = [{"feature_name": feature, "event_id": event_id} for event_id, feature in events]
    return ("/track", bodies[0]) if len(bodies) == 1 else ("/track/batch", {"events": bodies})


def random_event_id(random):
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
