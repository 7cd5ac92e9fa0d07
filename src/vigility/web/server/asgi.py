"""The module that gunicorn serves, with the configuration in `gunicorn_conf.py`.

    gunicorn -c python:vigility.web.server.gunicorn_conf vigility.web.server.asgi:app

The application is created when the worker starts, which is after the fork.
"""

from __future__ import annotations

import gc
import sys
from typing import Final

from vigility.auth.passwords import BcryptHasher
from vigility.bootstrap import PoolSettings, connect
from vigility.config import Settings, load_settings
from vigility.web.app import create_app
from vigility.web.server.first_start import SERVED, has_reached
from vigility.web.server.lazy_app import Application, LazyApp

# How long the event loop may keep Python's global lock from the writer's thread. The writer needs it back
# after each call into the database, some four times a transaction. Python's default of 5 ms would delay every
# commit.
SWITCH_SECONDS: Final = 0.0001

# How many objects may be created and not yet freed before the garbage collector scans the young ones. A
# request in flight holds some 20 and leaves no cycles. With Python's default of 700 they were scanned again
# and again, which took a twentieth of all CPU time under load.
GC_THRESHOLD: Final = 20_000


def open_app(settings: Settings) -> Application:
    """Open the database and create the application over it. Raises VigilityError."""
    sys.setswitchinterval(SWITCH_SECONDS)
    hasher = BcryptHasher(settings.bcrypt_rounds)
    pool = PoolSettings(settings.database_connections, settings.database_statement_seconds)
    vigility = connect(
        settings.database_url,
        hasher=hasher,
        # Only at the first start. Later a missing file is a lost one: a new one must not take its place.
        upgrade=settings.upgrade == "on" and not has_reached(SERVED),
        pool=pool,
        oldest_event_days=settings.oldest_event_days,
        max_features=settings.max_features,
    )
    try:
        app: Application = create_app(vigility, settings)
    except BaseException:
        vigility.close()
        raise
    gc.freeze()  # the collector need not scan what stays for good
    gc.set_threshold(GC_THRESHOLD)
    return app


app = LazyApp(load_settings, open_app)
