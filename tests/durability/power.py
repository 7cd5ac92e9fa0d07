"""Power cuts: everything a server writes, syncs and answers is recorded, then cut off at many moments."""

import re
import shutil
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from durability.checking import faults_of_file, stored_events, twice
from durability.disk import Disk, Kind, read_journal
from durability.load import FEATURES, new_event_id, post_until_answered, request_for
from durability.serving import Site
from vigility.bootstrap import signing_secret
from web_server import Connection

CLIENTS = 8
SOURCE = Path(__file__).with_name("power_journal.c")
_REQUEST_ID = re.compile(rb"\r\nx-request-id: ([^\r]+)", re.IGNORECASE)


@dataclass
class Outcome:
    seed: int
    cuts: int = 0
    answered: int = 0
    losses: int = 0
    faults: list[str] = field(default_factory=list)


def compiled(folder):
    """The library that is preloaded. Needs a C compiler."""
    library = folder / "power_journal.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE, "-ldl"]
    subprocess.run(command, check=True)
    return library


def power_cuts(folder, library, events, cuts, seed, command=None, say=lambda _: None):
    """Record a server under load, with a restart in between; cut its power at many moments; judge each."""
    random = Random(seed)
    journal, requests = recorded(folder, library, events, random, command)
    outcome = Outcome(seed)
    disk, answered = Disk(), {}
    for record, is_cut in with_cuts(journal, cuts, random):
        disk.play(record)
        if record.kind is Kind.ANSWERED:
            answered |= requests.get(request_id_of(record), {})
        if is_cut:
            judge(disk.power_cut(random), answered, folder / "after", outcome)
            say(f"cut {outcome.cuts} of {cuts}: {len(answered)} answered, {outcome.losses} cuts lost some")
    outcome.answered = len(answered)
    return outcome


def recorded(folder, library, events, random, command):
    """The journal of a server that stored so many events, and the events of each request by its id."""
    served = folder / "served"
    served.mkdir()
    journal = folder / "journal"
    preload = {"LD_PRELOAD": str(library), "POWER_FOLDER": str(served), "POWER_JOURNAL": str(journal)}
    requests = {str(uuid.UUID(int=random.getrandbits(128))): batch for batch in batches(events, random)}
    halves = [list(requests.items())[half::2] for half in (0, 1)]
    with Site(served, command=command, **preload) as site:
        headers = site.server.registered(username="power")
        send_all(site, headers, halves[0])
        site.stop()
        site.start()
        send_all(site, headers, halves[1])
        site.kill_all()
        return list(read_journal(journal)), requests


def batches(events, random):
    """Events by event_id: most come alone, some by dozens."""
    left = events
    while left:
        size = min(left, 1 if random.random() < 0.8 else random.randint(2, 40))
        yield {new_event_id(random): random.choice(FEATURES) for _ in range(size)}
        left -= size


def send_all(site, headers, requests):
    def send(client):
        with Connection(site.port) as connection:
            for request_id, batch in requests[client::CLIENTS]:
                request = request_for(list(batch.items()))
                named = headers | {"X-Request-ID": request_id}
                status, answer = post_until_answered(site, connection, *request, named)
                assert status in {200, 201}, answer

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(send, range(CLIENTS)))


def with_cuts(journal, cuts, random):
    """Each record, and whether the power fails after it: half of the times just after an answer."""
    answers = [n for n, record in enumerate(journal) if record.kind is Kind.ANSWERED]
    chosen = set(random.sample(answers, min(cuts // 2, len(answers))))
    while len(chosen) < cuts:
        chosen.add(random.randrange(len(journal)))
    return ((record, number in chosen) for number, record in enumerate(journal))


def request_id_of(record):
    found = _REQUEST_ID.search(record.content)
    return found[1].decode() if found else None


def judge(files, answered, folder, outcome):
    """Open what the disk has, as a new start would, and hold it against what was answered."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    outcome.cuts += 1
    try:
        faults = faults_after(folder / "usage.db", answered)
    except Exception as error:  # noqa: BLE001 - whatever keeps the database from being opened is a fault
        faults = [f"it cannot be opened: {error!r}"]
    outcome.losses += bool(faults)
    outcome.faults += [f"cut {outcome.cuts}: {fault}" for fault in faults]


def faults_after(path, answered):
    if answered and not path.with_name("usage.db-secret").exists():
        return ["the secret is lost"]
    signing_secret(f"sqlite:///{path}", None)
    faults = faults_of_file(path)
    events = stored_events(path)
    missing = answered.keys() - {event_id for _, _, event_id in events}
    if missing:
        faults.append(f"{len(missing)} of {len(answered)} answered events are lost")
    return faults + twice(events)
