"""A real gunicorn with several workers, started as a user starts it, and stopped."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sysconfig
import threading
import time
from collections import deque
from contextlib import contextmanager
from pathlib import Path

from web_client import ADA

BIN = Path(sysconfig.get_path("scripts"))
PATIENCE = 60
CLIENTS_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def wait_until(condition, why="it did not come true"):
    """Wait for what no event tells of. Returns what the condition gave at last."""
    deadline = time.monotonic() + PATIENCE
    while not (so := condition()):
        assert time.monotonic() < deadline, why
        time.sleep(0.02)
    return so


def _ports():
    """Those below the ports of clients, to which the system could give what was free just now."""
    first_of_clients = int(CLIENTS_PORTS.read_text().split()[0]) if CLIENTS_PORTS.exists() else 32_768
    return iter(range(max(first_of_clients, 20_000) - 1, 10_000, -1))


_untried = _ports()


def free_port():
    """A port for a server. No test gets it again, nor one of another process while this one lives."""
    return next(port for port in _untried if _is_claimed(port) and _is_free(port))


def _is_claimed(port):
    """Take the port of UDP of this number, which nobody uses, as a sign to other processes of tests."""
    sign = socket.socket(type=socket.SOCK_DGRAM)
    try:
        sign.bind(("127.0.0.1", port))
    except OSError:
        sign.close()
        return False
    sign.detach()  # open until this process ends
    return True


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Server:
    """`vigility serve`, whose output is kept and can be waited for."""

    def __init__(self, folder, workers=2, command=None, **environment):
        self.folder = folder
        self.workers = workers
        self._command = command or [BIN / "vigility", "serve"]
        self._environment = {
            "PATH": os.environ["PATH"],  # noqa: TID251
            "HOME": str(folder),
            "DATABASE_URL": f"sqlite:///{folder}/usage.db",
            "PORT": str(free_port()),
            "VIGILITY_WORKERS": str(workers),
            "VIGILITY_BCRYPT_ROUNDS": "4",
            "PYTHONWARNINGS": "error",
        } | environment
        given = self._environment["PORT"]
        self.port = int(given) if given.isdigit() else 0
        self.lines = deque(maxlen=200_000)
        self._heard = threading.Condition()

    def start(self, **how):
        self.process = subprocess.Popen(
            [str(part) for part in self._command],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **how,
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        self.wait_for_line("Application startup complete", self.workers)
        return self

    def stop(self, number=signal.SIGTERM):
        """Send the signal; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=PATIENCE)
        self._listener.join(timeout=PATIENCE)
        self.process.stdout.close()
        return code

    def wait_for_line(self, text, count=1):
        def there():
            return self._ended or sum(text in line for line in self.lines) >= count

        with self._heard:
            assert self._heard.wait_for(there, timeout=PATIENCE), self.output
        assert sum(text in line for line in self.lines) >= count, self.output

    @property
    def output(self):
        return "".join(self.lines)

    @property
    def access_lines(self):
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]

    @property
    def worker_ids(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    _ended = False

    def _listen(self):
        for line in self.process.stdout:
            with self._heard:
                self.lines.append(line)
                self._heard.notify_all()
        with self._heard:
            self._ended = True
            self._heard.notify_all()

    def connect(self):
        return Connection(self.port)

    def registered(self, **changed):
        with self.connect() as connection:
            status, body = connection.send("POST", "/register", ADA | changed)
            assert status == 201, body
            return {"Authorization": f"Bearer {body['token']}"}


class Connection:
    """A connection that is kept: all its requests go to one worker."""

    def __init__(self, port):
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Hang up; the next request connects anew."""
        self._http.close()

    def send(self, method, path, body=None, headers=None):
        """The status and the JSON of the answer."""
        sent = dict(headers or {})
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = json.dumps(body)
        self._http.request(method, path, body, sent)
        self.answer = self._http.getresponse()
        content = self.answer.read()
        is_json = self.answer.headers.get_content_type() == "application/json"
        return self.answer.status, json.loads(content) if is_json else content


@contextmanager
def running(folder, **how):
    server = Server(folder, **how).start()
    try:
        yield server
    finally:
        server.stop()


def raw(port, sent):
    """The status, content type and body of what the server answers to these bytes; None where it hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        try:
            connection.sendall(sent)
            answer = http.client.HTTPResponse(connection, method=sent.partition(b" ")[0].decode("latin1"))
            answer.begin()
            return answer.status, answer.headers.get_content_type(), answer.read()
        except (ConnectionError, http.client.BadStatusLine):
            return None
