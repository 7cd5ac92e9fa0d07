"""Several instances behind nginx over one database."""

import os
import signal
import threading
from contextlib import ExitStack, contextmanager, suppress

import vigility
from support import nginx, postgres
from support.durability.checking import EVENTS, database_faults, event_faults, stored_events
from support.reports import totals
from support.web_server import Server, free_port

SECRET = "a secret that all instances know, of more than 32 bytes"


class Cluster:
    """Two instances behind a proxy at `port`. For clients they are one site, which is always `up`."""

    def __init__(self, folder, url, **environment):
        self.url = url
        self._database = url.removeprefix("sqlite:///")
        self.port = free_port()
        self.up = threading.Event()
        self.up.set()
        self._folder = folder
        self._environment = {
            "DATABASE_URL": url,
            "JWT_SECRET": SECRET,
            "VIGILITY_ACCESS_LOG": "off",
            "VIGILITY_TRUSTED_PROXIES": "127.0.0.1",
        } | environment
        self.instances = [self._instance() for _ in range(2)]

    @property
    def server(self):
        return self.instances[0]

    def start(self):
        for instance in self.instances:
            instance.start()

    def stop(self):
        for instance in self.instances:
            instance.stop()

    def configuration(self):
        """The documented configuration with the documented upstream for several instances, without TLS."""
        site, upstream = nginx.documented_configurations()[:2]
        ports = [instance.port for instance in self.instances]
        changed = {f"10.0.0.{n}:8002": f"127.0.0.1:{port}" for n, port in enumerate(ports, 1)}
        single_upstream = site[: site.index("server {")]
        return nginx.replaced(
            site.replace(single_upstream, nginx.replaced(upstream, changed)),
            {
                "listen 443 ssl": f"listen 127.0.0.1:{self.port}",
                "listen 80": f"listen 127.0.0.1:{free_port()}",
                "    ssl_certificate /etc/ssl/usage.example.crt;\n": "",
                "    ssl_certificate_key /etc/ssl/usage.example.key;\n": "",
            },
        )

    def kill(self, number):
        """kill -9 every process of an instance. The master goes first, so that it starts no new worker."""
        instance = self.instances[number]
        workers = instance.worker_ids
        instance.process.kill()
        for worker in workers:
            with suppress(ProcessLookupError):  # it has already ended by itself
                os.kill(worker, signal.SIGKILL)
        instance.stop()

    def start_again(self, number):
        """Start the instance again on its port."""
        self.instances[number] = self._instance(PORT=str(self.instances[number].port))
        self.instances[number].start()

    def reload(self, number):
        """Send HUP. Returns when new workers have replaced the old ones."""
        instance = self.instances[number]
        old = instance.worker_ids
        instance.process.send_signal(signal.SIGHUP)
        for worker in old:
            instance.wait_for_line(f"Worker exiting (pid: {worker})")

    def faults(self, load, username):
        """Where the stored events contradict the responses to `load`."""
        with load.paused():
            events = self._stored(username)
            found = event_faults(events, load.ledger)
            found += database_faults(self._database)
            with vigility.connect(self.url) as v:
                counted = sum(totals(v.report()).values())
            if counted != len(self._stored()):
                found.append(f"reports count {counted} events, but {len(self._stored())} are stored")
        return found

    def _stored(self, username=None):
        """(id, feature, event_id) of every event, or of one user's events."""
        whose = f"JOIN vigility_users AS users ON users.id = user_id AND username = '{username}'"
        query = EVENTS + (whose if username else "")
        return stored_events(self._database, query)

    def _instance(self, **environment):
        return Server(self._folder, **self._environment, **environment)


@contextmanager
def running(folder, kind, **environment):
    """Run a cluster over a new database of this kind."""
    with ExitStack() as stack:
        url = f"sqlite:///{folder}/usage.db"
        if kind == "postgres":
            url = stack.enter_context(postgres.temporary_database())
        cluster = Cluster(folder, url, **environment)
        stack.callback(cluster.stop)
        cluster.start()
        stack.enter_context(nginx.running(folder, cluster.configuration(), cluster.port))
        yield cluster
