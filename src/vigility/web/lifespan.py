"""The start and the stop of a worker."""

from __future__ import annotations

from typing import Any

from vigility.core.service import Vigility
from vigility.web.identity import Identity
from vigility.web.short_way import STATE, ShortWay
from vigility.web.threads import Threads


class Lifespan:
    """Falcon's hooks; at the stop everything is flushed, then closed."""

    def __init__(self, vigility: Vigility, identity: Identity, threads: Threads, short_way: ShortWay) -> None:
        self._vigility = vigility
        self._identity = identity
        self._threads = threads
        self._short_way = short_way

    async def process_startup(self, scope: dict[str, Any], _event: dict[str, Any]) -> None:
        """Called before the first request: a server that knows the short way finds it in the state."""
        scope.get("state", {})[STATE] = self._short_way

    async def process_shutdown(self, _scope: dict[str, Any], _event: dict[str, Any]) -> None:
        """Called when the last request of the worker is answered."""
        await self._identity.stop()  # first: it would start threads anew
        self._threads.stop()
        self._vigility.close()
