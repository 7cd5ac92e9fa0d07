"""The worker's protocol over real sockets, in a thread of the test: what it waits for can be changed."""

import http.client
import json
import socket
import threading
from contextlib import contextmanager

import uvicorn

from vigility.web.server.protocol import Protocol

PATIENCE = 30


class Serving(uvicorn.Server):
    """A server of one application, on a port that the system chose."""

    def __init__(self, app, **options):
        options = {"http": Protocol, "loop": "uvloop", "ws": "none", "lifespan": "on"} | options
        super().__init__(uvicorn.Config(app, interface="asgi3", log_config=None, access_log=False, **options))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = ("127.0.0.1", self.port)
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self.run, args=([self._listener],))

    async def startup(self, sockets=None):
        await super().startup(sockets)
        self._is_up.set()

    def begin(self):
        self._thread.start()
        assert self._is_up.wait(PATIENCE)

    def end(self):
        self.should_exit = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def connect(self):
        return socket.create_connection(self.address, timeout=PATIENCE)


@contextmanager
def serving(app, **options):
    server = Serving(app, **options)
    server.begin()
    try:
        yield server
    finally:
        server.end()


def answers(connection, count=None):
    """(status, headers, content) of so many answers, or of every one until the other end closes."""
    found = []
    with connection.makefile("rb") as stream:
        while len(found) != count and (line := _first_line(stream)):
            headers = http.client.parse_headers(stream)
            content = stream.read(int(headers["Content-Length"]))
            found.append((int(line.split()[1]), headers, json.loads(content)))
    return found


def _first_line(stream):
    """Of the next answer; empty where the other end has closed, and with something unread that is a reset."""
    try:
        return stream.readline()
    except ConnectionResetError:
        return b""


def request(token, body=b'{"feature_name": "a"}', *, path=b"/track", more=b""):
    """A request to track, in bytes."""
    return (
        b"POST %b HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %b\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n%b\r\n%b" % (path, token.encode(), len(body), more, body)
    )
