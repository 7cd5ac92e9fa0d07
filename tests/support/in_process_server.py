"""The worker's protocol over real sockets, in a thread of the test process, so that tests can patch it."""

import http.client
import json
import socket
import threading
from contextlib import contextmanager

import uvicorn

from vigility.web.server.protocol import Protocol

TIMEOUT = 30


class InProcessServer(uvicorn.Server):
    """Serves one application, on a port that the system chooses."""

    def __init__(self, app, **options):
        options = {"http": Protocol, "loop": "uvloop", "ws": "none", "lifespan": "on"} | options
        super().__init__(uvicorn.Config(app, interface="asgi3", log_config=None, access_log=False, **options))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = ("127.0.0.1", self.port)
        self._started = threading.Event()
        self._thread = threading.Thread(target=self.run, args=([self._listener],))

    async def startup(self, sockets=None):
        await super().startup(sockets)
        self._started.set()

    def start(self):
        self._thread.start()
        assert self._started.wait(TIMEOUT)

    def stop(self):
        self.should_exit = True
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive()

    def connect(self):
        return socket.create_connection(self.address, timeout=TIMEOUT)


@contextmanager
def running_in_process(app, **options):
    """Run an InProcessServer with these options of uvicorn."""
    server = InProcessServer(app, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def read_responses(connection, count=None):
    """(status, headers, content) of `count` responses, or of all until the server closes the connection."""
    found = []
    with connection.makefile("rb") as stream:
        while len(found) != count and (line := _first_line(stream)):
            headers = http.client.parse_headers(stream)
            content = stream.read(int(headers["Content-Length"]))
            found.append((int(line.split()[1]), headers, json.loads(content)))
    return found


def _first_line(stream):
    """The first line of the next response. Empty if the server has closed or reset the connection."""
    try:
        return stream.readline()
    except ConnectionResetError:
        return b""


def track_request(token, body=b'{"feature_name": "a"}', *, path=b"/track", more=b""):
    """The bytes of a POST request, by default to /track. `more` holds further header lines."""
    return (
        b"POST %b HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %b\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n%b\r\n%b" % (path, token.encode(), len(body), more, body)
    )
