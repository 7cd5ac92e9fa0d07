"""A database that cannot be written to for a while, and what the server says meanwhile and after."""

import fcntl
import os
import resource
import shutil
import sqlite3
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from random import Random

from durability.checking import faults_of_file, stored_events
from durability.load import FEATURES, new_event_id, request_for
from web_server import PATIENCE, Connection

TRACKING = 16
BATCHES = 32
EVENTS_A_BATCH = 300
MOST_ROUNDS = 100
"""What is left of the write-ahead log can take that many rounds of requests after the disk is full."""


@dataclass
class Answer:
    events: dict[str, str]
    status: int
    error: str
    retry_after: str | None
    seconds: float


class Callers:
    """Many at once, each on a connection of its own, each event with an event_id."""

    def __init__(self, site, seed, headers=None):
        self.site = site
        self.headers = headers or site.server.registered(username="outage")
        self.random = Random(seed)
        self.answers = []

    def send(self):
        """One round of requests at once; their answers."""
        rounds = [1] * TRACKING + [EVENTS_A_BATCH] * BATCHES
        events = [{new_event_id(self.random): FEATURES[0] for _ in range(size)} for size in rounds]
        with ThreadPoolExecutor(len(events)) as pool:
            answers = list(pool.map(self._send, events))
        self.answers += answers
        return answers

    def send_until_refused(self):
        """Rounds until one meets refusals, which are returned."""
        for _ in range(MOST_ROUNDS):
            if refused := [answer for answer in self.send() if answer.status == 503]:
                return refused
        raise AssertionError("nothing was refused")

    def send_until_stored(self):
        """Wait for the server to notice that the cause is gone."""
        deadline = time.monotonic() + PATIENCE
        while any(answer.status == 503 for answer in self.send()):
            assert time.monotonic() < deadline, "the server does not recover"

    def _send(self, events):
        path, body = request_for(list(events.items()))
        with Connection(self.site.port) as connection:
            began = time.monotonic()
            status, answer = connection.send("POST", path, body, self.headers)
            seconds = time.monotonic() - began
            retry_after = connection.answer.headers["Retry-After"]
        return Answer(events, status, answer.get("error", ""), retry_after, seconds)

    def faults(self):
        """What is wrong between the answers so far and the file."""
        stored = {event_id for _, _, event_id in stored_events(self.site.database)}
        found = faults_of_file(self.site.database)
        for answer in self.answers:
            if answer.status in {200, 201} and not answer.events.keys() <= stored:
                found.append(f"answered {answer.status} and not stored: {answer}")
            if answer.status == 503 and not stored.isdisjoint(answer.events):
                found.append(f"refused and stored all the same: {answer}")
            if answer.status not in {200, 201, 503}:
                found.append(f"neither stored nor refused: {answer}")
        return found


@contextmanager
def small_disk(folder, megabytes=8):
    """A small file system, where one may be mounted; None where not."""
    mounted = shutil.which("mount") is not None and _mounts(folder, megabytes)
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)


def _mounts(folder, megabytes):
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@contextmanager
def full(folder):
    """The file system has no byte left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def no_larger_files(site):
    """No process of the server may make a file larger than the database is now."""
    processes = site.server.worker_ids
    largest = max(path.stat().st_size for path in site.folder.glob("usage.db*"))
    before = [resource.prlimit(process, resource.RLIMIT_FSIZE, (largest, -1)) for process in processes]
    try:
        yield
    finally:
        for process, limit in zip(processes, before, strict=True):
            resource.prlimit(process, resource.RLIMIT_FSIZE, limit)


@contextmanager
def write_locked(path):
    """Somebody who takes no turns, an SQLite shell say, holds the write lock."""
    with closing(sqlite3.connect(path, isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        yield
        somebody.execute("ROLLBACK")


@contextmanager
def turn_taken(path):
    """A process of vigility that hangs has the turn."""
    with path.with_name(path.name + "-lock").open("w") as somebody:
        fcntl.flock(somebody, fcntl.LOCK_EX)
        yield


@contextmanager
def read_only_file(path):
    """The file may not be written; SQLite gives its -wal and -shm the same mode when it makes them."""
    path.chmod(0o444)
    yield
    for file in path.parent.glob(path.name + "*"):
        file.chmod(0o600)


@contextmanager
def read_only_folder(path):
    path.chmod(0o555)
    yield
    path.chmod(0o755)


def held_to_permissions():
    """What goes before a command so that permissions bind it, though root runs it."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if shutil.which("setpriv") else None
