"""Opens a `Vigility` over an installation whose ports the test uses too."""

import vigility
from vigility.core.events.group_commit import GroupCommit
from vigility.core.events.window import EventWindow


def open_vigility(installation, now):
    """The facade over this installation, at a moment that does not change. It needs no closing."""
    queue, a_century = GroupCommit(installation.sink), EventWindow(36_525)
    return vigility.Vigility(installation, queue, hasher=None, clock=lambda: now, window=a_century)


def database_of(v):
    """The database under a facade that was opened on an SQL database."""
    (backend,) = v._installation.backends
    return backend._database


def queue_of(v):
    """The group commit behind `v.events`."""
    return v.events._queue
