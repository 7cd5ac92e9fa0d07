"""A server that is killed and started again, always on the same port and the same file."""

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

from web_server import BIN, Server, free_port

HERE = Path(__file__).parent


def control(name):
    """The command of a server with one promise taken out; see `controls.py`."""
    return [BIN / "gunicorn", "-c", "python:vigility.web.server.gunicorn_conf", f"controls:{name}()"]


class Site:
    """`up` is set while a server is there, or about to be there again without help."""

    def __init__(self, folder, *, command=None, prefix=(), **environment):
        self.folder = folder
        self.database = environment.get("DATABASE_URL", folder / "usage.db")
        self.port = free_port()
        self.up = threading.Event()
        self._command = [*prefix, *(command or [BIN / "vigility", "serve"])]
        self._environment = {
            "PORT": str(self.port),
            "VIGILITY_ACCESS_LOG": "off",
            "PYTHONPATH": str(HERE),  # where the controls are
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
        """A graceful stop, as by a service manager; the exit code."""
        self.up.clear()
        return self.server.stop()

    def kill_a_worker(self, random):
        """kill -9 of one; returns when another has taken its place."""
        with suppress(ProcessLookupError):
            os.kill(random.choice(self.server.worker_ids), signal.SIGKILL)
        self._started += 1
        self.server.wait_for_line("Application startup complete", self._started)

    def kill_all(self):
        """kill -9 of every process. The master goes first, so that it starts no other worker."""
        self.up.clear()
        workers = self.server.worker_ids if self.server.process.poll() is None else []
        self.server.process.kill()
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        self.server.stop()

    def kill_the_master(self):
        """kill -9 of the master alone; returns when its workers have ended by themselves."""
        self.up.clear()
        self.server.process.kill()
        self.server.stop()
