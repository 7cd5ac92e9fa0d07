"""A real gunicorn with several workers, started and stopped as users do."""

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

from support.web_client import ADA, HOSTS

BIN = Path(sysconfig.get_path("scripts"))
TIMEOUT = 60
CLIENT_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def wait_until(condition, message="the condition did not become true"):
    """Poll a condition that no event announces, until it is true. Returns its value."""
    deadline = time.monotonic() + TIMEOUT
    while not (value := condition()):
        assert time.monotonic() < deadline, message
        time.sleep(0.02)
    return value


def _ports():
    """The ports below those of clients: the system may give one of those to a client at any time."""
    first_client_port = int(CLIENT_PORTS.read_text().split()[0]) if CLIENT_PORTS.exists() else 32_768
    return iter(range(max(first_client_port, 20_000) - 1, 10_000, -1))


_untried = _ports()


def free_port():
    """A port for a server. No other test gets it, in this process or, while this one runs, in another."""
    return next(port for port in _untried if _claim(port) and _is_free(port))


def _claim(port):
    """Bind the UDP port of this number, which shows other test processes that the port is taken."""
    claim = socket.socket(type=socket.SOCK_DGRAM)
    try:
        claim.bind(("127.0.0.1", port))
    except OSError:
        claim.close()
        return False
    claim.detach()  # stays open until this process ends
    return True


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Server:
    """`vigility serve`. Its output is read all the time and kept, and tests can wait for lines of it."""

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
            "VIGILITY_ALLOWED_HOSTS": HOSTS,
            "PYTHONWARNINGS": "error",
        } | environment
        port = self._environment["PORT"]
        self.port = int(port) if port.isdigit() else 0
        self.lines = deque(maxlen=200_000)
        self._new_output = threading.Condition()

    def start(self, **options):
        """Start the server, and wait until all workers are ready."""
        self.process = subprocess.Popen(
            [str(part) for part in self._command],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **options,
        )
        self._reader = threading.Thread(target=self._read_output)
        self._reader.start()
        try:
            self.wait_for_line("Application startup complete", self.workers)
        except BaseException:
            self.stop(signal.SIGKILL)
            raise
        return self

    def stop(self, number=signal.SIGTERM):
        """Send the signal unless the process has ended. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()  # otherwise the reader would keep the tests from ending
            raise
        self._reader.join(timeout=TIMEOUT)
        self.process.stdout.close()
        return code

    def wait_for_line(self, text, count=1):
        """Wait until this text occurs in so many lines of output."""

        def found():
            return sum(text in line for line in self.lines) >= count

        with self._new_output:
            self._new_output.wait_for(lambda: self._ended or found(), timeout=TIMEOUT)
            assert found(), self.output

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

    def _read_output(self):
        for line in self.process.stdout:
            with self._new_output:
                self.lines.append(line)
                self._new_output.notify_all()
        with self._new_output:
            self._ended = True
            self._new_output.notify_all()

    def connect(self):
        return Connection(self.port)

    def register(self, **changed):
        """Register a user, and return the headers that sign the user in."""
        with self.connect() as connection:
            status, body = connection.send("POST", "/register", ADA | changed)
            assert status == 201, body
            return {"Authorization": f"Bearer {body['token']}"}


class Connection:
    """A kept-alive connection: all requests go to one worker."""

    def __init__(self, port):
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Close the connection; the next request opens a new one."""
        self._http.close()

    def send(self, method, path, body=None, headers=None):
        """Send a request. Returns the status and the content, decoded if it is JSON."""
        sent = dict(headers or {})
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = json.dumps(body)
        self._http.request(method, path, body, sent)
        self.response = self._http.getresponse()
        content = self.response.read()
        is_json = self.response.headers.get_content_type() == "application/json"
        return self.response.status, json.loads(content) if is_json else content


@contextmanager
def running(folder, **options):
    """Run a Server with these options."""
    server = Server(folder, **options).start()
    try:
        yield server
    finally:
        server.stop()


def send_raw(port, sent):
    """Send these bytes. Returns the status, content type and body of the response, or None without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        try:
            connection.sendall(sent)
            response = http.client.HTTPResponse(connection, method=sent.partition(b" ")[0].decode("latin1"))
            response.begin()
            return response.status, response.headers.get_content_type(), response.read()
        except (ConnectionError, http.client.BadStatusLine):
            return None
