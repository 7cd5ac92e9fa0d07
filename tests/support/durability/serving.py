"""A server that can be killed and started again, on the same port and the same file."""

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

from support.web_server import BIN, Server, free_port

TESTS = Path(__file__).parents[2]


def control(name):
    """The command of a server that breaks one promise; see `controls.py`."""
    return [
        BIN / "gunicorn",
        "-c",
        "python:vigility.web.server.gunicorn_conf",
        f"support.durability.controls:{name}()",
    ]


class Site:
    """A server and its database. `up` is set while the server runs or restarts by itself."""

    def __init__(self, folder, *, command=None, prefix=(), **environment):
        self.folder = folder
        self.database = environment.get("DATABASE_URL", folder / "usage.db")
        self.port = free_port()
        self.up = threading.Event()
        self._command = [*prefix, *(command or [BIN / "vigility", "serve"])]
        self._environment = {
            "PORT": str(self.port),
            "VIGILITY_ACCESS_LOG": "off",
            "PYTHONPATH": str(TESTS),  # for support.durability.controls
        } | environment

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.server = Server(self.folder, command=self._command, **self._environment)
        self.server.port = self.port
        self._started = self.server.workers
        try:
            self.server.start()
        except BaseException:
            self.kill_all()
            raise
        self.up.set()

    def stop(self):
        """Stop gracefully, as a service manager does. Returns the exit code."""
        self.up.clear()
        return self.server.stop()

    def kill_a_worker(self, random):
        """kill -9 one worker. Returns when a new one has replaced it."""
        with suppress(ProcessLookupError):
            os.kill(random.choice(self.server.worker_ids), signal.SIGKILL)
        self._started += 1
        self.server.wait_for_line("Application startup complete", self._started)

    def kill_all(self):
        """kill -9 every process. The master goes first, so that it starts no new worker."""
        self.up.clear()
        workers = self.server.worker_ids if self.server.process.poll() is None else []
        self.server.process.kill()
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        self.server.stop()

    def kill_the_master(self):
        """kill -9 only the master. Returns when its workers have ended by themselves."""
        self.up.clear()
        self.server.process.kill()
        self.server.stop()
