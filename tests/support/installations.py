"""Opens a `Vigility` over an installation whose ports the test uses too."""

import vigility
from vigility.core.events.group_commit import GroupCommit


def open_vigility(installation, now):
    """The facade over this installation, at a moment that does not change. It needs no closing."""
    return vigility.Vigility(installation, GroupCommit(installation.sink), hasher=None, clock=lambda: now)
