"""Power cuts: record what a server writes, syncs and responds, then cut the recording at many points."""

import re
import shutil
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from support.durability.checking import database_faults, duplicate_faults, stored_events
from support.durability.disk import Disk, Kind, read_journal
from support.durability.load import FEATURES, post_until_definite, random_event_id, track_request
from support.durability.serving import Site
from support.web_server import Connection
from vigility.bootstrap import signing_secret

CLIENTS = 8
SOURCE = Path(__file__).with_name("power_journal.c")
_REQUEST_ID = re.compile(rb"\r\nx-request-id: ([^\r]+)", re.IGNORECASE)


@dataclass
class Outcome:
    seed: int
    cuts: int = 0
    acknowledged: int = 0
    losses: int = 0
    faults: list[str] = field(default_factory=list)


def compiled(folder):
    """Compile the library that is preloaded. Needs a C compiler."""
    library = folder / "power_journal.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE, "-ldl"]
    subprocess.run(command, check=True)
    return library


def power_cuts(folder, library, events, cuts, seed, command=None, log=lambda _: None):
    """Record a server under load, with a restart in between, and check what it has after each power cut."""
    random = Random(seed)
    journal, requests = recorded(folder, library, events, random, command)
    outcome = Outcome(seed)
    disk, acknowledged = Disk(), {}
    for record, is_cut in with_cuts(journal, cuts, random):
        disk.play(record)
        if record.kind is Kind.RESPONDED:
            acknowledged |= requests.get(request_id_of(record), {})
        if is_cut:
            check(disk.power_cut(random), acknowledged, folder / "after", outcome)
            progress = f"{len(acknowledged)} acknowledged, {outcome.losses} cuts lost some"
            log(f"cut {outcome.cuts} of {cuts}: {progress}")
    outcome.acknowledged = len(acknowledged)
    return outcome


def recorded(folder, library, events, random, command):
    """Run a server that stores so many events. Returns its journal, and events by the id of their request."""
    served = folder / "served"
    served.mkdir()
    journal = folder / "journal"
    preload = {"LD_PRELOAD": str(library), "POWER_FOLDER": str(served), "POWER_JOURNAL": str(journal)}
    requests = {str(uuid.UUID(int=random.getrandbits(128))): batch for batch in batches(events, random)}
    halves = [list(requests.items())[half::2] for half in (0, 1)]
    with Site(served, command=command, **preload) as site:
        headers = site.server.register(username="power")
        send_all(site, headers, halves[0])
        site.stop()
        site.start()
        send_all(site, headers, halves[1])
        site.kill_all()
        return list(read_journal(journal)), requests


def batches(events, random):
    """Batches of events, as features by event_id: most of one event, some of dozens."""
    left = events
    while left:
        size = min(left, 1 if random.random() < 0.8 else random.randint(2, 40))
        yield {random_event_id(random): random.choice(FEATURES) for _ in range(size)}
        left -= size


def send_all(site, headers, requests):
    def send(client):
        with Connection(site.port) as connection:
            for request_id, batch in requests[client::CLIENTS]:
                request = track_request(list(batch.items()))
                named = headers | {"X-Request-ID": request_id}
                status, content = post_until_definite(site, connection, *request, named)
                assert status in {200, 201}, content

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(send, range(CLIENTS)))


def with_cuts(journal, cuts, random):
    """Each record, and whether the power fails after it. Half of the cuts come right after a response."""
    responses = [n for n, record in enumerate(journal) if record.kind is Kind.RESPONDED]
    chosen = set(random.sample(responses, min(cuts // 2, len(responses))))
    while len(chosen) < cuts:
        chosen.add(random.randrange(len(journal)))
    return ((record, number in chosen) for number, record in enumerate(journal))


def request_id_of(record):
    found = _REQUEST_ID.search(record.content)
    return found[1].decode() if found else None


def check(files, acknowledged, folder, outcome):
    """Open the files as a new start would, and compare the database with the responses."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    outcome.cuts += 1
    try:
        faults = faults_after(folder / "usage.db", acknowledged)
    except Exception as error:  # noqa: BLE001 - any reason why the database cannot be opened is a fault
        faults = [f"it cannot be opened: {error!r}"]
    outcome.losses += bool(faults)
    outcome.faults += [f"cut {outcome.cuts}: {fault}" for fault in faults]


def faults_after(path, acknowledged):
    if acknowledged and not path.with_name("usage.db-secret").exists():
        return ["the secret is lost"]
    signing_secret(f"sqlite:///{path}", None)
    faults = database_faults(path)
    events = stored_events(path)
    missing = acknowledged.keys() - {event_id for _, _, event_id in events}
    if missing:
        faults.append(f"{len(missing)} of {len(acknowledged)} acknowledged events are lost")
    return faults + duplicate_faults(events)
