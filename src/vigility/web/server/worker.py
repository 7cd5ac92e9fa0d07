"""gunicorn's worker: uvicorn's ASGI server, with uvloop and httptools."""

from __future__ import annotations

import os
import signal
from typing import Any, Final

from uvicorn_worker import UvicornWorker

from vigility.web.server.protocol import Protocol

# What is left of the grace period when requests were waited for, to write and close.
_CLOSING_SECONDS: Final = 1
# How often a worker tells the master that it lives, and looks whether the master does.
_NOTIFY_SECONDS: Final = 1


class Worker(UvicornWorker):  # type: ignore[misc]
    """A worker process."""

    CONFIG_KWARGS: dict[str, Any] = {  # noqa: RUF012 - the name and type are the base class's
        "loop": "uvloop",
        "http": Protocol,
        "ws": "none",
        "lifespan": "on",
        "interface": "asgi3",
        "access_log": False,  # the application writes its own
        "proxy_headers": False,  # it decides itself whose X-Forwarded-For to believe
        "server_header": False,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - gunicorn's affair
        super().__init__(*args, **kwargs)
        self.config.timeout_graceful_shutdown = max(1, self.cfg.graceful_timeout - _CLOSING_SECONDS)
        self.config.timeout_notify = _NOTIFY_SECONDS

    def init_signals(self) -> None:
        """Called before serving."""
        super().init_signals()
        # uvicorn stops gracefully and then raises the signal once more, for whoever handled it before:
        # by default that would kill a worker which has just ended well.
        signal.signal(signal.SIGTERM, lambda *_: None)

    async def callback_notify(self) -> None:
        """Called every moment while serving."""
        await super().callback_notify()
        if os.getppid() != self.ppid:
            # The master was killed. A worker without one would hold the port against a new start, for good.
            signal.raise_signal(signal.SIGTERM)
