"""gunicorn, started by `vigility serve` or with gunicorn's own command and `gunicorn_conf.py`."""

from __future__ import annotations

import shutil
from typing import Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.workers.base import Worker

from vigility.bootstrap import DatabaseUrl, backend_for, connect
from vigility.config import Settings, share_metrics_in, shared_metrics
from vigility.core.errors import InvalidInput
from vigility.web.auth.signing_key import token_issuer
from vigility.web.middleware.metrics_folder import new_folder, remove_abandoned_folders
from vigility.web.server.first_start import CHECKED, reach
from vigility.web.server.uvicorn_compat import check_uvicorn

# Longer than nginx keeps its connections to us (60 s), so that nginx closes them and not this server.
_KEEP_ALIVE_SECONDS: Final = 75


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with these settings. `run` ends with SystemExit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__(prog="vigility serve")

    def load_config(self) -> None:
        """Called by gunicorn."""
        for name, value in options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> object:
        """Called by gunicorn in each worker, after the fork."""
        from vigility.web.server.asgi import open_app
        from vigility.web.server.lazy_app import LazyApp

        return LazyApp(lambda: self._settings, open_app)


def options(settings: Settings) -> dict[str, Any]:
    """The settings that gunicorn itself takes."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}",
        "workers": settings.workers,
        "worker_class": "vigility.web.server.worker.Worker",
        "logger_class": "vigility.web.server.logger.Logger",
        "graceful_timeout": settings.grace_seconds,
        "keepalive": _KEEP_ALIVE_SECONDS,
        "control_socket_disable": True,
        "proc_name": "vigility",
        "on_starting": on_starting,
        "child_exit": child_exit,
        "on_exit": on_exit,
    }


def prepare(settings: Settings) -> None:
    """Check uvicorn and create the database and the secret, before any process is forked.

    The schema is upgraded here, unless the settings forbid it, so that no worker serves an older one. Raises
    VigilityError, whose message is one line.
    """
    check_uvicorn()
    backend = backend_for(DatabaseUrl.parse(settings.database_url))
    if settings.workers > 1 and not backend.outlives_process:
        raise InvalidInput("DATABASE_URL", "memory: is not shared by workers; start one worker only")
    token_issuer(settings)
    connect(settings.database_url, upgrade=settings.upgrade == "on").close()
    reach(CHECKED)


def on_starting(_arbiter: object) -> None:
    """Called once, before the workers start. Their metrics start at zero."""
    remove_abandoned_folders()
    share_metrics_in(new_folder())


def child_exit(_arbiter: object, worker: Worker) -> None:
    """Called when a worker has ended. Its counts are kept."""
    from vigility.web.middleware.metrics_files import merge_dead_worker

    if directory := shared_metrics():
        merge_dead_worker(directory, worker.pid)


def on_exit(_arbiter: object) -> None:
    """Called at the end."""
    if directory := shared_metrics():
        shutil.rmtree(directory, ignore_errors=True)
