"""What a caller holds of an event that is queued."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future
from typing import Any

from vigility.core.events.model import StoredEvent


class SubmittedEvent(Future[StoredEvent]):
    """Done when the event is durable, or when it is known why it is not stored.

    `result()` waits for that in a thread, `await` in a coroutine. A queued event cannot be cancelled.
    """

    def __await__(self) -> Generator[Any, None, StoredEvent]:
        """Wait in the running event loop of asyncio. Raises RuntimeError if none is running here."""
        import asyncio  # loaded by whoever awaits

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "await needs a running event loop of asyncio: use result() elsewhere"
            ) from None
        return asyncio.wrap_future(self, loop=loop).__await__()
