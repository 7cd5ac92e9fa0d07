"""What `vigility.web.server.protocol` and `vigility.web.fast_path.handler` agree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

PATH: Final = b"/track"

# A plain request has a few hundred bytes. A larger body takes the normal path, which limits how much is
# buffered.
MAX_BODY_BYTES: Final = 4 * 1024

STATE: Final = "vigility.fast_path"
"""The key of the FastPath in the ASGI lifespan's state. A server that can use it finds it there."""

REFUSED: Final = "vigility.refused"
"""The key in a request's scope of the error because of which its event was not stored, if that is known."""

Headers = Sequence[tuple[bytes, bytes]]
Client = tuple[str, int] | None


class Responder(Protocol):
    """Responds to one request."""

    def respond(self, status: int, rest: bytes) -> None:
        """Send a status, and the headers and the body that belong to it."""
        ...

    def refuse(self, error: Exception) -> None:
        """Let the normal path report why the event was not stored. Anything but a VigilityError is a bug."""
        ...


class FastPath(Protocol):
    """Handles requests without the application."""

    def try_handle(
        self, headers: Headers, body: bytes | bytearray, client: Client, responder: Responder
    ) -> bool:
        """Whether it handles the request. If so, it calls one method of `responder` later, once."""
        ...
