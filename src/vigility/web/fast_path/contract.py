"""What the server's protocol and `vigility.web.fast_path.handler` agree on. Light: the master imports it, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

PATH: Final = b"/track"

# A plain request has a few hundred bytes; past this it is none, and the general way bounds what it holds.
MAX_BODY_BYTES: Final = 4 * 1024

STATE: Final = "vigility.short_way"
"""Under this name the ASGI lifespan's state holds the ShortWay, for a server that can use it."""

REFUSED: Final = "vigility.refused"
"""Under this name a request's scope holds why its event was not stored, where that is known already."""

Headers = Sequence[tuple[bytes, bytes]]
Client = tuple[str, int] | None


class Responder(Protocol):
    """The other end of a request."""

    def answer(self, status: int, rest: bytes) -> None:
        """Send a status, and the headers and the body that belong to it."""
        ...

    def refuse(self, error: Exception) -> None:
        """Let the general way say why the event was not stored: a VigilityError, or else a fault of ours."""
        ...


class FastPath(Protocol):
    """Takes requests past the application."""

    def take(self, headers: Headers, body: bytes | bytearray, client: Client, exchange: Responder) -> bool:
        """Whether the request is taken; then a method of `exchange` is called later, once."""
        ...
