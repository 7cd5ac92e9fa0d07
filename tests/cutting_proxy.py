"""A TCP proxy before PostgreSQL that cuts a connection at its next COMMIT."""

import socket
import threading
from concurrent.futures import Future
from contextlib import suppress

from web_server import PATIENCE

BEFORE, AT_ONCE, AFTER = "before", "at once", "after"
"""The server never sees the COMMIT; it gets it and nobody waits; it has answered, and the answer is lost."""


class CuttingProxy:
    """Each `cut` of `next_cuts` is used once, in their order; `refusing` lets nobody in.

    `turned_away` is set as soon as somebody was not let in.
    """

    def __init__(self, port):
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.next_cuts = []
        self.done = []
        self.refuse_after_cut = False
        self.refusing = False
        self.turned_away = threading.Event()
        self._open = set()
        self._lost_answers = {}

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            _cut(connection)

    def url(self, direct):
        return direct.replace(f":{self._server}/", f":{self.port}/")

    def _accept(self):
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                if self.refusing:
                    client.close()
                    self.turned_away.set()
                    continue
                server = socket.create_connection(("127.0.0.1", self._server))
                self._open |= {client, server}
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

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
        if cut:  # noted before the client knows, who comes back at once
            self.done.append(cut)
            self.refusing = self.refuse_after_cut
        return cut

    def _commit(self, cut, sent, client, server):
        if cut == AT_ONCE:
            _cut(client)
            server.sendall(sent)
        elif cut == AFTER:
            answer = self._lost_answers[server] = Future()
            server.sendall(sent)
            # pytest fails the test in whose time a thread fails
            assert answer.result(PATIENCE), "the server was lost before it answered COMMIT"

    def _answer(self, server, client):
        answer = b""
        with suppress(OSError):
            while (answer := server.recv(1 << 16)) and server not in self._lost_answers:
                client.sendall(answer)
        if server in self._lost_answers:
            self._lost_answers[server].set_result(answer)
        _cut(client)


def _cut(connection):
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
