"""The start and the stop of a worker."""

from __future__ import annotations

from typing import Any

from vigility.core.service import Vigility
from vigility.web.auth.authentication import Authenticator
from vigility.web.fast_path.contract import STATE, FastPath
from vigility.web.http.executors import Executors


class Lifespan:
    """Falcon's hooks; at the stop everything is flushed, then closed."""

    def __init__(self, vigility: Vigility, identity: Authenticator, threads: Executors, short_way: FastPath) -> None:
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
