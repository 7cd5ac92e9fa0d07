"""The start and the stop of a worker."""

from __future__ import annotations

import asyncio
from typing import Any

from vigility.core.service import Vigility
from vigility.web.auth.authentication import Authenticator
from vigility.web.fast_path.contract import STATE, FastPath
from vigility.web.http.executors import Executors
from vigility.web.middleware.access_log import AccessLog


class Lifespan:
    """Offers the fast path at the start. At the stop, flushes and closes everything."""

    def __init__(
        self,
        vigility: Vigility,
        authenticator: Authenticator,
        executors: Executors,
        fast_path: FastPath,
        access_log: AccessLog,
    ) -> None:
        self._vigility = vigility
        self._authenticator = authenticator
        self._executors = executors
        self._fast_path = fast_path
        self._access_log = access_log

    async def process_startup(self, scope: dict[str, Any], _event: dict[str, Any]) -> None:
        """Called before the first request. A server that supports the fast path finds it in the state."""
        scope.get("state", {})[STATE] = self._fast_path

    async def process_shutdown(self, _scope: dict[str, Any], _event: dict[str, Any]) -> None:
        """Called after the worker's last response."""
        await self._authenticator.stop()  # first, or it would start new threads
        self._executors.stop()
        self._vigility.close()
        await asyncio.to_thread(self._access_log.close)
