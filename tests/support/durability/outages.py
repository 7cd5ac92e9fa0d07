"""Reasons why a database cannot be written to for a while, and clients that record the responses."""

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

from support.durability.checking import database_faults, stored_events
from support.durability.load import FEATURES, random_event_id, track_request
from support.web_server import TIMEOUT, Connection

TRACKING = 16
BATCHES = 32
EVENTS_A_BATCH = 300
MAX_ROUNDS = 100
"""The rest of the write-ahead log can take so many rounds of requests after the disk is full."""


@dataclass
class Response:
    events: dict[str, str]
    status: int
    error: str
    retry_after: str | None
    seconds: float


class Senders:
    """Many concurrent clients, each with its own connection. Every event has an event_id."""

    def __init__(self, site, seed, headers=None):
        self.site = site
        self.headers = headers or site.server.register(username="outage")
        self.random = Random(seed)
        self.responses = []

    def send(self):
        """Send one round of concurrent requests. Returns the responses."""
        rounds = [1] * TRACKING + [EVENTS_A_BATCH] * BATCHES
        events = [{random_event_id(self.random): FEATURES[0] for _ in range(size)} for size in rounds]
        with ThreadPoolExecutor(len(events)) as pool:
            responses = list(pool.map(self._send, events))
        self.responses += responses
        return responses

    def send_until_refused(self):
        """Send rounds until the server refuses requests. Returns the refusals."""
        for _ in range(MAX_ROUNDS):
            if refused := [response for response in self.send() if response.status == 503]:
                return refused
        raise AssertionError("nothing was refused")

    def send_until_stored(self):
        """Send rounds until the server stores everything again."""
        deadline = time.monotonic() + TIMEOUT
        while any(response.status == 503 for response in self.send()):
            assert time.monotonic() < deadline, "the server does not recover"

    def _send(self, events):
        path, body = track_request(list(events.items()))
        with Connection(self.site.port) as connection:
            began = time.monotonic()
            status, content = connection.send("POST", path, body, self.headers)
            seconds = time.monotonic() - began
            retry_after = connection.response.headers["Retry-After"]
        return Response(events, status, content.get("error", ""), retry_after, seconds)

    def faults(self):
        """Where the database contradicts the responses so far."""
        stored = {event_id for _, _, event_id in stored_events(self.site.database)}
        found = database_faults(self.site.database)
        for response in self.responses:
            if response.status in {200, 201} and not response.events.keys() <= stored:
                found.append(f"answered {response.status} but not stored: {response}")
            if response.status == 503 and not stored.isdisjoint(response.events):
                found.append(f"refused but stored: {response}")
            if response.status not in {200, 201, 503}:
                found.append(f"neither stored nor refused: {response}")
        return found


@contextmanager
def small_disk(folder, megabytes=8):
    """Mount a small file system on the folder. Gives None if this process may not mount one."""
    mounted = shutil.which("mount") is not None and _try_mount(folder, megabytes)
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)


def _try_mount(folder, megabytes):
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@contextmanager
def full(folder):
    """Fill the file system to the last byte."""
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
    """Forbid the processes of the server to make a file larger than the database is now."""
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
    """Hold SQLite's write lock, as a program does that ignores the lock file, such as the SQLite shell."""
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


@contextmanager
def lock_file_held(path):
    """Hold the lock file, as a vigility process does that hangs."""
    with path.with_name(path.name + "-lock").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        yield


@contextmanager
def read_only_file(path):
    """Make the file read-only. SQLite creates its -wal and -shm files with the same mode."""
    path.chmod(0o444)
    yield
    for file in path.parent.glob(path.name + "*"):
        file.chmod(0o600)


@contextmanager
def read_only_folder(path):
    path.chmod(0o555)
    yield
    path.chmod(0o755)


def prefix_that_obeys_permissions():
    """What must precede a command so that file permissions apply to it, even for root. None if impossible."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if shutil.which("setpriv") else None
