"""uvicorn's server, stopped so that no connection is lost that the system has already accepted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress

import uvicorn


class GracefulServer(uvicorn.Server):
    """Takes over the connections that wait to be accepted, before it stops listening."""

    # typing has `override` from Python 3.12 on.
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # type: ignore[explicit-override]
        """Called once, when the worker is told to stop."""
        # If the last process that listens closes the socket, the system resets the connections that wait
        # there: their clients have been told that they are connected, and have perhaps sent a request.
        waiting = list(_accept_all(sockets or []))
        for server in self.servers:
            server.close()
        await asyncio.gather(*map(self._serve_connection, waiting))
        await asyncio.sleep(0)  # connections that the event loop has just accepted are made known
        await super().shutdown(sockets)

    async def _serve_connection(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()

        def protocol() -> asyncio.Protocol:
            return self.config.http_protocol_class(  # type: ignore[call-arg]
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
                _loop=loop,
            )

        with suppress(OSError):  # the client has gone
            await loop.connect_accepted_socket(protocol, connection, ssl=self.config.ssl)


def _accept_all(sockets: Sequence[socket.socket]) -> Iterator[socket.socket]:
    for listener in sockets:
        listener.setblocking(False)
        with suppress(BlockingIOError, OSError):
            while True:
                connection, _ = listener.accept()
                connection.setblocking(False)
                yield connection
