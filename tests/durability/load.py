"""Clients that track without a pause, and remember what was answered."""

import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from random import Random

from web_server import PATIENCE, Connection

LOST = (HTTPException, OSError)
"""What a request meets when the server goes away before it answers."""

UNKNOWN = (502, 504)
"""How a proxy says the same, and how the server does where PostgreSQL was lost while it committed."""

FEATURES = ("date_filter", "age_filter", "bar_chart_zoom", "export")


@dataclass
class Ledger:
    """What a client knows of its events. `unknown` counts those without an event_id that may be stored
    or not: the server said so, or gave no answer, which `unanswered` counts."""

    by_event_id: dict[str, tuple[int, str]] = field(default_factory=dict)
    without_id: dict[int, str] = field(default_factory=dict)
    unknown: int = 0
    unanswered: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def answered(self):
        return len(self.by_event_id) + len(self.without_id)


def merged(ledgers):
    whole = Ledger()
    for ledger in ledgers:
        if common := whole.without_id.keys() & ledger.without_id.keys():
            whole.faults.append(f"two events were answered with the same id: {sorted(common)[:3]}")
        whole.without_id |= ledger.without_id
        whole.by_event_id |= ledger.by_event_id
        whole.unknown += ledger.unknown
        whole.unanswered += ledger.unanswered
        whole.faults += ledger.faults
    return whole


def post_once(site, connection, path, body, headers):
    """The status and the answer; None, when the server is up again, where it went away before it answered."""
    try:
        return connection.send("POST", path, body, headers)
    except LOST:
        connection.close()
        assert site.up.wait(PATIENCE), "the server did not come back"
        return None


def post_until_answered(*request):
    """The status and the answer, sending again as long as there is none, or none that is definite."""
    while (answered := post_once(*request)) is None or answered[0] in {503, *UNKNOWN}:
        pass
    return answered


class Client(threading.Thread):
    """Sends one event after the other: half of them with an event_id, which it sends again until answered."""

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
                while self._load.goes_on():
                    self._track()
                    self._load.note()
        except Exception as error:  # noqa: BLE001 - told where the scenario is judged
            self.ledger.faults.append(f"a client failed: {error!r}")
            self._load.end()

    def _track(self):
        feature = self._random.choice(FEATURES)
        event_id = new_event_id(self._random) if self._random.random() < 0.5 else None
        body = {"feature_name": feature} | ({"event_id": event_id} if event_id else {})
        request = (self._site, self._connection, "/track", body, self._headers)
        if event_id:
            self._remember(*post_until_answered(*request), feature, event_id)
        elif (answered := post_once(*request)) is None or answered[0] in UNKNOWN:
            self.ledger.unknown += 1
            self.ledger.unanswered += answered is None
        elif answered[0] != 503:  # which says that it is not stored
            self._remember(*answered, feature, event_id)

    def _remember(self, status, answer, feature, event_id):
        if status not in {200, 201} or answer["featureName"] != feature or (status == 200 and not event_id):
            self.ledger.faults.append(f"{status} {answer} for {feature} {event_id}")
        elif event_id:
            self.ledger.by_event_id[event_id] = (answer["id"], feature)
        elif answer["id"] in self.ledger.without_id:
            self.ledger.faults.append(f"two events were answered with the id {answer['id']}")
        else:
            self.ledger.without_id[answer["id"]] = feature


class Retrier(Client):
    """Gives each event an event_id and sends it until it is answered; one answer in five gets lost here."""

    def _track(self):
        feature, event_id = self._random.choice(FEATURES), self._event_id()
        _, body = request_for([(event_id, feature)])
        request = (self._site, self._connection, "/track", body, self._headers)
        answered = post_until_answered(*request)
        if self._random.random() < 0.2:
            answered = post_until_answered(*request)
        self._remember(*answered, feature, event_id)

    def _event_id(self):
        return new_event_id(self._random)


class CarelessRetrier(Retrier):
    """A control: sends events again as a Retrier does, without the event_id that makes it safe."""

    def _event_id(self):
        return None


class Load:
    """Several clients at once, which can be paused: then nothing is on its way."""

    def __init__(self, site, seed, clients=8, kind=Client):
        headers = site.server.registered(username=f"load{seed}")
        self._changed = threading.Condition()
        self._mode = "go"
        self._resting = 0
        self._answers = 0
        self._clients = [kind(self, site, headers, Random(f"{seed}/{n}")) for n in range(clients)]

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.end()
        for client in self._clients:
            client.join(PATIENCE)

    @property
    def ledger(self):
        return merged(client.ledger for client in self._clients)

    def wait_for_answers(self, count):
        """Wait until `count` more requests were answered."""
        with self._changed:
            goal = self._answers + count
            there = self._changed.wait_for(lambda: self._answers >= goal or self._mode == "end", PATIENCE)
        assert there, f"{count} answers did not come; {self.ledger.faults}"
        assert self._mode != "end", self.ledger.faults

    @contextmanager
    def paused(self):
        self._switch_to("pause")
        with self._changed:
            assert self._changed.wait_for(lambda: self._resting == len(self._clients), PATIENCE)
        yield
        self._switch_to("go")

    def end(self):
        self._switch_to("end")

    def goes_on(self):
        """Called by a client between two events; waits while the load is paused."""
        with self._changed:
            self._resting += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._mode != "pause")
            self._resting -= 1
            return self._mode == "go"

    def note(self):
        """Called by a client after each event."""
        with self._changed:
            self._answers += 1
            self._changed.notify_all()

    def _switch_to(self, mode):
        with self._changed:
            self._mode = mode
            self._changed.notify_all()


def request_for(events):
    """The path and the body that send these events, each an event_id and a feature."""
    bodies = [{"feature_name": feature, "event_id": event_id} for event_id, feature in events]
    return ("/track", bodies[0]) if len(bodies) == 1 else ("/track/batch", {"events": bodies})


def new_event_id(random):
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
