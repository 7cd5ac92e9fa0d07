"""A retry storm: each event sent one to nine times, alone and in batches, across restarts."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from durability.checking import faults_of_file, stored_events, twice
from durability.load import FEATURES, new_event_id, post_until_answered, request_for
from durability.serving import Site
from web_server import PATIENCE, Connection

CLIENTS = 8


@dataclass
class Outcome:
    seed: int
    events: int
    sent: int = 0
    restarts: int = 0
    stored: int = 0
    faults: list[str] = field(default_factory=list)


class Progress:
    """Counts requests that were answered."""

    def __init__(self):
        self._changed = threading.Condition()
        self._count = 0

    def note(self):
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait_for(self, count):
        with self._changed:
            while self._count < count:
                assert self._changed.wait(PATIENCE), f"no answer came after {self._count}"


def retry_storm(folder, events, restarts, seed, command=None, say=lambda _: None):
    """Run a storm and judge what is stored after it."""
    random = Random(seed)
    features = {new_event_id(random): random.choice(FEATURES) for _ in range(events)}
    requests = requests_of(features, random)
    outcome = Outcome(seed, events, sum(map(len, requests)))
    progress = Progress()
    with Site(folder, command=command) as site, ThreadPoolExecutor(CLIENTS) as pool:
        headers = site.server.registered(username="storm")
        clients = [
            pool.submit(send, site, headers, features, requests[n::CLIENTS], progress) for n in range(CLIENTS)
        ]
        for moment in sorted(random.sample(range(1, len(requests) * 9 // 10), restarts)):
            progress.wait_for(moment)
            kind = restart(site, random)
            outcome.restarts += 1
            say(f"{moment} of {len(requests)} requests answered, restart {outcome.restarts}: {kind}")
        answered = [client.result() for client in clients]
        outcome.faults += faults_of_report(site, headers, features)
    outcome.faults += faults_of_answers(answered, features, site.database)
    outcome.stored = len(stored_events(site.database))
    return outcome


def requests_of(features, random):
    """Lists of event_ids: nine of ten of one, the others of hundreds, in which an event may come twice."""
    copies = [event_id for event_id in features for _ in range(random.randint(1, 9))]
    random.shuffle(copies)
    edges = [0]
    while edges[-1] < len(copies):
        edges.append(edges[-1] + (1 if random.random() < 0.9 else random.randint(2, 500)))
    return [copies[start:end] for start, end in pairwise(edges)]


def send(site, headers, features, requests, progress):
    """Send each request until it is answered; the faults, how many events were new, and the id of each."""
    faults, new, ids = [], 0, {}
    with Connection(site.port) as connection:
        for event_ids in requests:
            request = request_for([(event_id, features[event_id]) for event_id in event_ids])
            status, answer = post_until_answered(site, connection, *request, headers)
            progress.note()
            if len(event_ids) == 1:
                is_right = status in {200, 201} and ids.setdefault(event_ids[0], answer["id"]) == answer["id"]
                new += status == 201
            else:
                is_right = status == 200 and answer["accepted"] + answer["duplicates"] == len(event_ids)
                new += answer.get("accepted", 0)
            if not is_right:
                faults.append(f"{status} {answer}")
    return faults, new, ids


def restart(site, random):
    kind = random.choice(("kill a worker", "kill all", "stop"))
    if kind == "kill a worker":
        site.kill_a_worker(random)
        return kind
    site.kill_all() if kind == "kill all" else site.stop()
    site.start()
    return kind


def faults_of_report(site, headers, features):
    with Connection(site.port) as connection:
        _, report = connection.send("GET", "/analytics", headers=headers)
    counted = {bar["feature"]: bar["count"] for bar in report["barChartData"]}
    right = dict(Counter(features.values()))
    return [] if counted == right else [f"the report counts {counted}, and right is {right}"]


def faults_of_answers(answered, features, path):
    events = stored_events(path)
    found = faults_of_file(path) + twice(events)
    if {event_id: feature for _, feature, event_id in events} != features or len(events) != len(features):
        found.append(f"{len(events)} events are stored, and {len(features)} were sent")
    if (new := sum(new for _, new, _ in answered)) > len(features):
        found.append(f"{new} events were answered as new, and {len(features)} were sent")
    stored_ids = {event_id: number for number, _, event_id in events}
    for faults, _, ids in answered:
        found += faults[:3]
        if wrong := [event_id for event_id, number in ids.items() if stored_ids.get(event_id) != number]:
            found.append(f"{len(wrong)} events were answered with an id that is not theirs")
    return found
