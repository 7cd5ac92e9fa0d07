"""A TCP proxy in front of PostgreSQL that cuts connections at COMMIT."""

import socket
import threading
from concurrent.futures import Future
from contextlib import suppress

from support.web_server import TIMEOUT

BEFORE_COMMIT, DURING_COMMIT, AFTER_COMMIT = "before", "during", "after"
"""The server never receives the COMMIT; it receives it after the client is gone; its response is lost."""


class CuttingProxy:
    """Uses each cut of `next_cuts` once, in order. While `refusing`, it accepts no connection.

    `cuts_made` holds the cuts so far. `refused_one` is set once a connection was refused.
    """

    def __init__(self, port):
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.next_cuts = []
        self.cuts_made = []
        self.refuse_after_cut = False
        self.refusing = False
        self.refused_one = threading.Event()
        self._open = set()
        self._lost_responses = {}

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            _cut(connection)

    def url(self, direct):
        """The URL of a database through this proxy."""
        return direct.replace(f":{self._server}/", f":{self.port}/")

    def _accept(self):
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                if self.refusing:
                    client.close()
                    self.refused_one.set()
                    continue
                server = socket.create_connection(("127.0.0.1", self._server))
                self._open |= {client, server}
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._return, args=(server, client), daemon=True).start()

    def _forward(self, client, server):
        try:
            with suppress(OSError):
                while sent := client.recv(1 << 16):
                    if b"COMMIT\0" in sent and (cut := self._next_cut()):
                        self._commit(cut, sent, client, server)
                        break
                    server.sendall(sent)
        finally:
            _cut(client)
            _cut(server)

    def _next_cut(self):
        cut = self.next_cuts.pop(0) if self.next_cuts else None
        if cut:  # recorded before the client notices and reconnects
            self.cuts_made.append(cut)
            self.refusing = self.refuse_after_cut
        return cut

    def _commit(self, cut, sent, client, server):
        if cut == DURING_COMMIT:
            _cut(client)
            server.sendall(sent)
        elif cut == AFTER_COMMIT:
            response = self._lost_responses[server] = Future()
            server.sendall(sent)
            # When a thread raises, pytest fails the test that is running.
            assert response.result(TIMEOUT), "the server was lost before it answered COMMIT"

    def _return(self, server, client):
        received = b""
        with suppress(OSError):
            while (received := server.recv(1 << 16)) and server not in self._lost_responses:
                client.sendall(received)
        if server in self._lost_responses:
            self._lost_responses[server].set_result(received)
        _cut(client)


def _cut(connection):
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
