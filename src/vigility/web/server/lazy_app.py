"""The application that gunicorn is given: created when the worker starts, again and again if need be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self

from vigility.config import Settings
from vigility.core.errors import VigilityError
from vigility.web.outage import OutageApp
from vigility.web.server.first_start import CHECKED, SERVED, has_reached, reach

logger: Final = logging.getLogger("vigility.web")

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

# An attempt may take long, for example if the database's host does not respond. The worker then begins to
# respond with 503 meanwhile.
FIRST_ATTEMPT_SECONDS: Final = 5.0
# How long a worker waits before it tries again: twice as long after each attempt, up to a bound.
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 2.0


class LazyApp:
    """Creates the application when the worker starts.

    If that fails at the first start of the server, it says why in one line, and the server ends. Later it
    responds with 503 and tries again until it succeeds.
    """

    def __init__(self, load: Callable[[], Settings], create: Callable[[Settings], Application]) -> None:
        """`create` may block: it is called in a thread. Both may raise VigilityError."""
        self._load = load
        self._create = create
        self._settings: Settings | None = None
        self._lifespan: Lifespan | None = None  # of the application, once it is there
        self._outage: OutageApp | None = None  # until then
        self._respond: Application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Called by the server, the first time with the scope `lifespan`."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self._respond(scope, receive, send)

    async def _live(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()  # told to start
        try:
            opening = await self._start(scope)
        except VigilityError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()  # told to stop
        opening.cancel()
        await asyncio.wait([opening])
        for part in (self._lifespan, self._outage):
            if part is not None:
                await part.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self, scope: Message) -> asyncio.Task[None]:
        """Create the application, or begin to. The task ends when it is there."""
        attempt = asyncio.create_task(self._open(scope))
        await asyncio.wait([attempt], timeout=FIRST_ATTEMPT_SECONDS if has_reached(CHECKED) else None)
        error = attempt.exception() if attempt.done() else None
        if error is not None and not has_reached(CHECKED if isinstance(error, VigilityError) else SERVED):
            raise error
        if self._lifespan is None:
            self._respond = self._outage = OutageApp(self._settings)
        return asyncio.create_task(self._keep_opening(scope, attempt))

    async def _keep_opening(self, scope: Message, attempt: asyncio.Task[None]) -> None:
        pause = FIRST_PAUSE_SECONDS
        while (error := await _failure_of(attempt)) is not None:
            if self._outage is not None:
                self._outage.report(error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            attempt = asyncio.create_task(self._open(scope))

    async def _open(self, scope: Message) -> None:
        self._settings = self._load()
        app = await asyncio.to_thread(self._create, self._settings)
        self._lifespan = await Lifespan.begin(app, scope)
        self._respond = app
        reach(SERVED)
        outage, self._outage = self._outage, None
        if outage is not None:
            logger.warning("this worker could not start before; now it has")
            await outage.stop()


async def _failure_of(attempt: asyncio.Task[None]) -> Exception | None:
    try:
        await attempt
    except VigilityError as error:
        logger.error("this worker cannot start yet: %s", error)  # noqa: TRY400 - one line says it all
        return error
    except Exception as error:
        logger.exception("this worker cannot start yet")
        return error
    return None


class Lifespan:
    """The lifespan of an application, as ASGI has it: between two events that it confirms."""

    def __init__(self, app: Application, scope: Message) -> None:
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._replies: asyncio.Queue[Message] = asyncio.Queue()
        self._task = asyncio.ensure_future(app(scope, self._events.get, self._replies.put))

    @classmethod
    async def begin(cls, app: Application, scope: Message) -> Self:
        """Start the application. What it puts into the scope's state is there for the server."""
        lifespan = cls(app, scope)
        await lifespan._confirmed("startup")
        return lifespan

    async def stop(self) -> None:
        """Stop the application."""
        await self._confirmed("shutdown")

    async def _confirmed(self, event: str) -> None:
        await self._events.put({"type": f"lifespan.{event}"})
        reply = asyncio.create_task(self._replies.get())
        await asyncio.wait([reply, self._task], return_when=asyncio.FIRST_COMPLETED)
        if not reply.done():
            reply.cancel()
            await self._task  # raises what ended it
            raise RuntimeError(f"the application ended at its {event}")
        if reply.result()["type"] != f"lifespan.{event}.complete":
            raise RuntimeError(f"the {event} of the application failed: {reply.result().get('message')}")
