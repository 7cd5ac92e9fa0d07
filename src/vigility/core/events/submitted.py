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
        """Wait in the running event loop of asyncio."""
        import asyncio  # loaded by whoever awaits

        return asyncio.wrap_future(self).__await__()
