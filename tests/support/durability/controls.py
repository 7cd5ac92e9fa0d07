"""Servers that each break one promise, to prove that the tests detect it.

gunicorn loads them as `support.durability.controls:commits_late()`. The last one breaks no promise; it only
waits longer, for slow machines.
"""

import sys
import threading
from contextlib import ExitStack, contextmanager

from vigility.adapters.sql.event_sink import SqlEventSink
from vigility.adapters.sql.postgres import commit_log
from vigility.adapters.sql.sqlite import database
from vigility.core.events.model import EventRecord, StoredEvent
from vigility.web.fast_path.event_writer import EventWriter
from vigility.web.server.asgi import app

LATE_SECONDS = 0.02
COMMIT_TIMEOUT_SECONDS = 60


def commits_late():
    """Responds to events a moment before they are committed."""
    writing = database.SqliteDatabase.writing

    @contextmanager
    def writing_late(self):
        with ExitStack() as stack:
            yield stack.enter_context(writing(self))
            threading.Timer(LATE_SECONDS, stack.pop_all().close).start()

    database.SqliteDatabase.writing = writing_late
    return app


def forgets_event_ids():
    """Stores an event again when it is sent again."""
    add = SqlEventSink.add
    SqlEventSink.add = lambda self, records: add(self, [record._replace(event_id=None) for record in records])
    return app


def acknowledges_what_was_not_stored():
    """Responds to an event that could not be stored as if it were stored."""
    settle = EventWriter._settle
    record = EventRecord(user_id=1, feature="x", at=0, age=1, gender="Other")

    def settle_as_stored(self, on_done, outcome):
        is_stored = isinstance(outcome, StoredEvent)
        settle(self, on_done, outcome if is_stored else StoredEvent(1, record, repeated=False))

    EventWriter._settle = settle_as_stored
    return app


def never_syncs():
    """synchronous=OFF: leaves commits to the operating system."""
    return synchronous("OFF")


def syncs_at_checkpoints():
    """synchronous=NORMAL: syncs the write-ahead log at checkpoints, not at commits."""
    return synchronous("NORMAL")


def synchronous(level):
    on_connect = database._on_connect

    def on_connect_with(engine, connection, entry):
        on_connect(engine, connection, entry)
        connection.execute(f"PRAGMA synchronous = {level}")

    database._on_connect = on_connect_with
    return app


def asks_longer_about_commits():
    """Asks about a commit for longer than PostgreSQL may take to come back, and logs that it asks."""
    commit_log.TIMEOUT_SECONDS = COMMIT_TIMEOUT_SECONDS
    is_committed = commit_log.CommitStatus.is_committed

    def log_and_ask(self, writer):
        sys.stderr.write("the response to a commit was lost\n")
        return is_committed(self, writer)

    commit_log.CommitStatus.is_committed = log_and_ask
    return app
