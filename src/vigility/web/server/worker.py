"""gunicorn's worker: uvicorn's ASGI server, with uvloop and httptools."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from types import FrameType
from typing import Any, Final

from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError
from uvicorn_worker import UvicornWorker

from vigility.web.server.first_start import SERVED, has_reached
from vigility.web.server.graceful_server import GracefulServer
from vigility.web.server.uvicorn_compat import UnsupportedUvicorn, check_uvicorn

# The part of the grace period that is left, after waiting for requests, to write everything and close.
_CLOSING_SECONDS: Final = 1
# How often a worker tells the master that it is alive, and checks that the master is.
_NOTIFY_SECONDS: Final = 1
# How long a worker that cannot run waits before it ends, and the master starts another.
_PAUSE_SECONDS: Final = 1

# The master acts on these signals. `pkill -HUP vigility`, or a terminal that is closed, sends them to every
# process, and by default they would end or freeze a worker with all its requests.
_FOR_THE_MASTER: Final = (signal.SIGHUP, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU)


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
        self._is_told_to_stop = False
        logger = logging.getLogger("vigility")
        logger.handlers, logger.propagate = self.log.error_log.handlers, False

    def init_process(self) -> None:
        """Called after the fork. At the first start an unsupported uvicorn ends the server with one line."""
        try:
            check_uvicorn()
            super().init_process()
        except UnsupportedUvicorn as error:
            _end_later_if_served(error)
            raise AppImportError(str(error)) from error
        except (Exception, SystemExit) as error:
            _end_later_if_served(error)
            raise

    def init_signals(self) -> None:
        """Called before serving."""
        super().init_signals()
        # A worker that is told to stop before it serves ends as soon as it could serve. And after a graceful
        # stop uvicorn raises the signal again, for the handler that was there before: the default handler
        # would kill a worker that has just stopped cleanly.
        signal.signal(signal.SIGTERM, self._on_early_stop)
        for number in _FOR_THE_MASTER:
            signal.signal(number, signal.SIG_IGN)

    async def callback_notify(self) -> None:
        """Called every second while serving."""
        await super().callback_notify()
        if os.getppid() != self.ppid:
            # The master was killed. A worker without one would block the port for ever.
            signal.raise_signal(signal.SIGTERM)

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = GracefulServer(self.config)
        server.should_exit = self._is_told_to_stop
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    def _on_early_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_told_to_stop = True


def _end_later_if_served(error: BaseException) -> None:
    """End this worker in a way that does not end the server, if it has served before.

    gunicorn's master ends when a worker fails to start. But one whose start fails today, say for want of
    memory, may succeed later, and the other workers serve meanwhile.
    """
    code = error.code if isinstance(error, SystemExit) else Arbiter.WORKER_BOOT_ERROR
    if code in {Arbiter.WORKER_BOOT_ERROR, Arbiter.APP_LOAD_ERROR} and has_reached(SERVED):
        logging.getLogger("vigility").error("a worker could not start: %s", error or type(error).__name__)
        time.sleep(_PAUSE_SECONDS)
        sys.exit(1)
