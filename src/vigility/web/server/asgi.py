"""The server module: `gunicorn -c python:vigility.web.server.gunicorn_conf vigility.web.server.asgi:app`.

The application is made when the server says that the worker starts, which is after the fork.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

from vigility.auth.passwords import BcryptHasher
from vigility.bootstrap import PoolSettings, connect
from vigility.config import Settings, load_settings
from vigility.core.errors import VigilityError
from vigility.web.app import create_app

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


# How long the event loop may keep Python's global lock from the writer's thread. The writer wins it back
# after each call into the database, some four times a transaction: Python's 5 ms would hold up every commit.
SWITCH_SECONDS: Final = 0.0001


# Objects made and not yet freed before the garbage collector looks at the young ones. A request in flight
# holds some 20 and leaves no cycle: at Python's 700 they were looked through again and again, for a
# twentieth of all CPU time under load.
COLLECTED_AFTER: Final = 20_000


class LazyApp:
    """The application, made when the worker starts. What keeps it from starting is said in one line."""

    def __init__(self, load: Callable[[], Settings]) -> None:
        self._load = load
        self._app: Application | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Called by the server, first of all with the scope `lifespan`."""
        if self._app is None:
            try:
                self._app = open_app(self._load())
            except VigilityError as error:
                await receive()
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
        await self._app(scope, receive, send)


def open_app(settings: Settings) -> Application:
    """Open the database and make the application over it. Raises VigilityError."""
    sys.setswitchinterval(SWITCH_SECONDS)
    hasher = BcryptHasher(settings.bcrypt_rounds)
    limits = PoolSettings(settings.database_connections, settings.database_statement_seconds)
    vigility = connect(settings.database_url, hasher=hasher, upgrade=settings.upgrade == "on", limits=limits)
    app: Application = create_app(vigility, settings)
    gc.freeze()  # what is there now stays
    gc.set_threshold(COLLECTED_AFTER)
    return app


app = LazyApp(load_settings)
