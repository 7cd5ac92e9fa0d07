"""Servers with one promise taken out, to prove that the tests notice: `gunicorn ... "controls:commits_late()"`."""

import threading
from contextlib import ExitStack, contextmanager

from vigility.storage.sql import database
from vigility.storage.sql.events import SqlEvents
from vigility.web.asgi import app

LATE_SECONDS = 0.02


def commits_late():
    """Events are answered a moment before they are committed."""
    writing = database.SqliteDatabase.writing

    @contextmanager
    def writing_late(self):
        with ExitStack() as stack:
            yield stack.enter_context(writing(self))
            threading.Timer(LATE_SECONDS, stack.pop_all().close).start()

    database.SqliteDatabase.writing = writing_late
    return app


def forgets_event_ids():
    """An event that is sent again is stored again."""
    add = SqlEvents.add
    SqlEvents.add = lambda self, records: add(self, [record._replace(event_id=None) for record in records])
    return app


def never_syncs():
    """synchronous=OFF: commits are left to the operating system."""
    return synchronous("OFF")


def syncs_at_checkpoints():
    """synchronous=NORMAL: the write-ahead log is synced when it is checkpointed, not when it is committed to."""
    return synchronous("NORMAL")


def synchronous(level):
    on_connect = database._on_connect

    def on_connect_with(connection, entry):
        on_connect(connection, entry)
        connection.execute(f"PRAGMA synchronous = {level}")

    database._on_connect = on_connect_with
    return app
