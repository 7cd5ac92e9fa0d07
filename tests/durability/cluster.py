"""Several instances behind nginx over one database."""

import os
import signal
import threading
from contextlib import ExitStack, contextmanager, suppress

import nginx
import postgres
import vigility
from durability.checking import EVENTS, faults_of_events, faults_of_file, stored_events
from web_server import Server, free_port

SECRET = "a secret that all instances know, of more than 32 bytes"


class Cluster:
    """Two instances and the proxy before them: for clients one site, at `port`, which is always `up`."""

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
        """The documented site, with the documented upstream of several instances, without TLS."""
        site, upstream = nginx.documented()[:2]
        ports = [instance.port for instance in self.instances]
        changed = {f"10.0.0.{n}:8002": f"127.0.0.1:{port}" for n, port in enumerate(ports, 1)}
        alone = site[: site.index("server {")]
        return nginx.adapted(
            site.replace(alone, nginx.adapted(upstream, changed)),
            {
                "listen 443 ssl": f"listen 127.0.0.1:{self.port}",
                "listen 80": f"listen 127.0.0.1:{free_port()}",
                "    ssl_certificate /etc/ssl/usage.example.crt;\n": "",
                "    ssl_certificate_key /etc/ssl/usage.example.key;\n": "",
            },
        )

    def kill(self, number):
        """kill -9 of all processes of an instance. The master goes first, so that it starts no worker."""
        instance = self.instances[number]
        workers = instance.worker_ids
        instance.process.kill()
        for worker in workers:
            with suppress(ProcessLookupError):  # it has noticed, and ended by itself
                os.kill(worker, signal.SIGKILL)
        instance.stop()

    def start_again(self, number):
        """The instance, on its port."""
        self.instances[number] = self._instance(PORT=str(self.instances[number].port))
        self.instances[number].start()

    def reload(self, number):
        """HUP: returns when new workers have taken the place of the old ones."""
        instance = self.instances[number]
        old = instance.worker_ids
        instance.process.send_signal(signal.SIGHUP)
        for worker in old:
            instance.wait_for_line(f"Worker exiting (pid: {worker})")

    def faults(self, load, username):
        """What is wrong between what was answered to `load` and what is stored."""
        with load.paused():
            events = self._stored(username)
            found = faults_of_events(events, load.ledger)
            found += faults_of_file(self._database)
            with vigility.connect(self.url) as v:
                counted = sum(feature.count for feature in v.report().features)
            if counted != len(self._stored()):
                found.append(f"reports count {counted} events, and {len(self._stored())} are stored")
        return found

    def _stored(self, username=None):
        """(id, feature, event_id) of every event, or of those of one user."""
        whose = f"JOIN vigility_users AS users ON users.id = user_id AND username = '{username}'"
        query = EVENTS + (whose if username else "")
        return stored_events(self._database, query)

    def _instance(self, **environment):
        return Server(self._folder, **self._environment, **environment)


@contextmanager
def running(folder, kind, **environment):
    """A cluster over a new database of this kind."""
    with ExitStack() as stack:
        url = f"sqlite:///{folder}/usage.db"
        if kind == "postgres":
            url = stack.enter_context(postgres.temporary_database())
        cluster = Cluster(folder, url, **environment)
        stack.callback(cluster.stop)
        cluster.start()
        stack.enter_context(nginx.proxy(folder, cluster.configuration(), cluster.port))
        yield cluster
