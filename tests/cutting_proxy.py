"""A TCP proxy before PostgreSQL that cuts a connection at its next COMMIT."""

import socket
import threading
from contextlib import suppress

BEFORE, AT_ONCE, AFTER = "before", "at once", "after"
"""The server never sees the COMMIT; it gets it and nobody waits; it has answered, and the answer is lost."""


class CuttingProxy:
    """Each `cut` of `next_cuts` is used once, in their order; `refusing` lets nobody in."""

    def __init__(self, port):
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.next_cuts = []
        self.done = []
        self.refuse_after_cut = False
        self.refusing = False
        self._open = set()

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
                    continue
                server = socket.create_connection(("127.0.0.1", self._server))
                self._open |= {client, server}
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=_answer, args=(server, client), daemon=True).start()

    def _forward(self, client, server):
        with suppress(OSError):
            while sent := client.recv(1 << 16):
                cut = self.next_cuts.pop(0) if b"COMMIT\0" in sent and self.next_cuts else None
                if cut:  # before the client knows, who comes back at once
                    self.refusing = self.refuse_after_cut
                if cut == AFTER:
                    _cut(client, socket.SHUT_WR)  # whatever the server answers does not arrive
                if cut != BEFORE:
                    server.sendall(sent)
                if cut:
                    if cut == AFTER:
                        self._until_committed(server)
                    self.done.append(cut)
                    break
        _cut(client)
        _cut(server)

    def _until_committed(self, server):
        # The other thread reads the answer; when it has tried to pass it on, the server is done.
        server_done.wait_for(server)


class _Done:
    """Notes which servers have answered."""

    def __init__(self):
        self._changed = threading.Condition()
        self._answered = set()

    def note(self, server):
        with self._changed:
            self._answered.add(server)
            self._changed.notify_all()

    def wait_for(self, server):
        with self._changed:
            self._changed.wait_for(lambda: server in self._answered, timeout=10)


server_done = _Done()


def _answer(server, client):
    with suppress(OSError):
        while answer := server.recv(1 << 16):
            try:
                client.sendall(answer)
            except OSError:
                server_done.note(server)
    _cut(client)


def _cut(connection, how=socket.SHUT_RDWR):
    with suppress(OSError):
        connection.shutdown(how)
    if how == socket.SHUT_RDWR:
        connection.close()
