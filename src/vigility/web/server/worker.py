"""gunicorn's worker: uvicorn's ASGI server, with uvloop and httptools."""

from __future__ import annotations

import os
import signal
from typing import Any, Final

from gunicorn.errors import AppImportError
from uvicorn_worker import UvicornWorker

from vigility.web.server.uvicorn_compat import UnsupportedUvicorn, check_uvicorn

# The part of the grace period that is left, after waiting for requests, to write everything and close.
_CLOSING_SECONDS: Final = 1
# How often a worker tells the master that it is alive, and checks that the master is.
_NOTIFY_SECONDS: Final = 1


class Worker(UvicornWorker):  # type: ignore[misc]
    """A worker process."""

    CONFIG_KWARGS: dict[str, Any] = {  # noqa: RUF012 - the base class decides name and type
        "loop": "uvloop",
        "http": "vigility.web.server.protocol:Protocol",  # imported after the check of uvicorn
        "ws": "none",
        "lifespan": "on",
        "interface": "asgi3",
        "access_log": False,  # the application writes its own
        "proxy_headers": False,  # the application decides whose X-Forwarded-For to believe
        "server_header": False,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on to gunicorn's class
        super().__init__(*args, **kwargs)
        self.config.timeout_graceful_shutdown = max(1, self.cfg.graceful_timeout - _CLOSING_SECONDS)
        self.config.timeout_notify = _NOTIFY_SECONDS

    def init_process(self) -> None:
        """Called after the fork. An unsupported uvicorn stops the server with one line."""
        try:
            check_uvicorn()
        except UnsupportedUvicorn as error:
            raise AppImportError(str(error)) from error
        super().init_process()

    def init_signals(self) -> None:
        """Called before serving."""
        super().init_signals()
        # After a graceful stop uvicorn raises the signal again, for the handler that was there before. The
        # default handler would then kill a worker that has just stopped cleanly.
        signal.signal(signal.SIGTERM, lambda *_: None)

    async def callback_notify(self) -> None:
        """Called every second while serving."""
        await super().callback_notify()
        if os.getppid() != self.ppid:
            # The master was killed. A worker without one would block the port for ever.
            signal.raise_signal(signal.SIGTERM)
