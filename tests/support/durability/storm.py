"""A retry storm: each event is sent one to nine times, alone and in batches, across restarts."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from support.durability.checking import database_faults, duplicate_faults, stored_events
from support.durability.load import FEATURES, post_until_definite, random_event_id, track_request
from support.durability.serving import Site
from support.web_server import TIMEOUT, Connection

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
    """Counts responses."""

    def __init__(self):
        self._changed = threading.Condition()
        self._responses = 0

    def count(self):
        with self._changed:
            self._responses += 1
            self._changed.notify_all()

    def wait_for(self, count):
        with self._changed:
            while self._responses < count:
                assert self._changed.wait(TIMEOUT), f"no response came after {self._responses}"


def retry_storm(folder, events, restarts, seed, command=None, log=lambda _: None):
    """Run a storm and check what is stored afterwards."""
    random = Random(seed)
    features = {random_event_id(random): random.choice(FEATURES) for _ in range(events)}
    requests = requests_of(features, random)
    outcome = Outcome(seed, events, sum(map(len, requests)))
    progress = Progress()
    with Site(folder, command=command) as site, ThreadPoolExecutor(CLIENTS) as pool:
        headers = site.server.register(username="storm")
        clients = [
            pool.submit(send, site, headers, features, requests[n::CLIENTS], progress) for n in range(CLIENTS)
        ]
        for moment in sorted(random.sample(range(1, len(requests) * 9 // 10), restarts)):
            progress.wait_for(moment)
            kind = restart(site, random)
            outcome.restarts += 1
            log(f"{moment} of {len(requests)} requests done, restart {outcome.restarts}: {kind}")
        results = [client.result() for client in clients]
        outcome.faults += report_faults(site, headers, features)
    outcome.faults += response_faults(results, features, site.database)
    outcome.stored = len(stored_events(site.database))
    return outcome


def requests_of(features, random):
    """Lists of event_ids: nine in ten hold one, the others hundreds, and may hold an event twice."""
    copies = [event_id for event_id in features for _ in range(random.randint(1, 9))]
    random.shuffle(copies)
    edges = [0]
    while edges[-1] < len(copies):
        edges.append(edges[-1] + (1 if random.random() < 0.9 else random.randint(2, 500)))
    return [copies[start:end] for start, end in pairwise(edges)]


def send(site, headers, features, requests, progress):
    """Send each request until the response is definite. Returns faults, the number of new events, and ids."""
    faults, new, ids = [], 0, {}
    with Connection(site.port) as connection:
        for event_ids in requests:
            request = track_request([(event_id, features[event_id]) for event_id in event_ids])
            status, content = post_until_definite(site, connection, *request, headers)
            progress.count()
            if len(event_ids) == 1:
                is_right = (
                    status in {200, 201} and ids.setdefault(event_ids[0], content["id"]) == content["id"]
                )
                new += status == 201
            else:
                is_right = status == 200 and content["accepted"] + content["duplicates"] == len(event_ids)
                new += content.get("accepted", 0)
            if not is_right:
                faults.append(f"{status} {content}")
    return faults, new, ids


def restart(site, random):
    kind = random.choice(("kill a worker", "kill all", "stop"))
    if kind == "kill a worker":
        site.kill_a_worker(random)
        return kind
    site.kill_all() if kind == "kill all" else site.stop()
    site.start()
    return kind


def report_faults(site, headers, features):
    with Connection(site.port) as connection:
        _, report = connection.send("GET", "/analytics", headers=headers)
    counted = {bar["feature"]: bar["count"] for bar in report["barChartData"]}
    right = dict(Counter(features.values()))
    return [] if counted == right else [f"the report counts {counted} instead of {right}"]


def response_faults(results, features, path):
    events = stored_events(path)
    found = database_faults(path) + duplicate_faults(events)
    if {event_id: feature for _, feature, event_id in events} != features or len(events) != len(features):
        found.append(f"{len(events)} events are stored, but {len(features)} were sent")
    if (new := sum(new for _, new, _ in results)) > len(features):
        found.append(f"{new} events were acknowledged as new, but {len(features)} were sent")
    stored_ids = {event_id: number for number, _, event_id in events}
    for faults, _, ids in results:
        found += faults[:3]
        if wrong := [event_id for event_id, number in ids.items() if stored_ids.get(event_id) != number]:
            found.append(f"{len(wrong)} events were acknowledged with a wrong id")
    return found
