"""The errors that vigility raises, in one tree:

    VigilityError
    ├── InvalidInput          a value breaks a rule: names the field and what is allowed
    │   └── OutsideWindow     an event is older than what is taken, or lies in the future
    ├── UsernameTaken         registering a name that exists
    ├── InvalidCredentials    wrong password, unknown user, or a user who cannot sign in
    ├── UnknownUser           an event names a user who is not registered
    ├── UserGone              an event's user was deleted after being looked up
    ├── EventConflict         a user's event_id was used before for another feature
    ├── CopyRefused           the target of a copy holds what its source does not
    ├── CopyDiffers           after copying, two databases that should be equal are not
    └── StoreError            the database did not do it; nothing was stored, except for OutcomeUnknown
        ├── StoreUnavailable  locked, full, unreachable: the same call may succeed later
        │   ├── QueueFull     too many events are waiting to be stored
        │   └── StoreDamaged  the database's file holds what nobody wrote there
        ├── OutcomeUnknown    the database was lost during a commit: stored or not, nobody can tell
        └── SchemaMismatch    the database was made by another version of vigility

The core knows neither exit codes nor HTTP: the command line and the web layer each map this tree once.
"""

from __future__ import annotations


class VigilityError(Exception):
    """Base class of every error that vigility raises on purpose."""


class InvalidInput(VigilityError):
    """A value breaks a rule.

    `field` names the value and `rule` says what is allowed. So the command line and HTTP can put their own
    name of the field (`--start`, `startDate`) in front of the same sentence.
    """

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field} {rule}")
        self.field = field
        self.rule = rule


class OutsideWindow(InvalidInput):
    """The time of an event is older than what is taken (`too_old`), or lies in the future.

    `core/events/window.py` has the default.
    """

    def __init__(self, field: str, rule: str, *, too_old: bool) -> None:
        super().__init__(field, rule)
        self.too_old = too_old


class UsernameTaken(VigilityError):
    """A user of this name exists. Names are case-sensitive."""

    def __init__(self, username: str) -> None:
        super().__init__("Username already exists")
        self.username = username


class InvalidCredentials(VigilityError):
    """The username or the password is wrong. The error does not say which."""

    def __init__(self) -> None:
        super().__init__("Invalid credentials")


class UnknownUser(VigilityError):
    """No user of this name is registered."""

    def __init__(self, username: str) -> None:
        super().__init__(f"no user is named {username!r}")
        self.username = username


class UserGone(VigilityError):
    """The user of an event was deleted after being looked up. The call stored nothing."""

    def __init__(self) -> None:
        super().__init__("the user of the event is no longer registered")


class EventConflict(VigilityError):
    """An `event_id` that is already stored for the user was sent again with another feature."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"event_id {event_id} is already used by the user's event of another feature")
        self.event_id = event_id


class CopyRefused(VigilityError):
    """The target of a copy holds something that its source does not. Nothing was changed."""


class CopyDiffers(VigilityError):
    """At the end of a copy, the target does not agree with the source."""


class StoreError(VigilityError):
    """The database did not do what was asked. The failed call stored nothing, except for OutcomeUnknown."""


class StoreUnavailable(StoreError):
    """The database is locked, full or unreachable. The same call may succeed later.

    `reason` says why in words that anyone may read: it names no path and no address.
    """

    def __init__(self, message: str, reason: str = "it cannot be reached") -> None:
        super().__init__(message)
        self.reason = reason


class QueueFull(StoreUnavailable):
    """Too many events are waiting to be stored. This one was not queued."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "too many events are waiting to be stored")


class StoreDamaged(StoreUnavailable):
    """The file of the database is damaged: it holds what nobody wrote there."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "its file is damaged")


class OutcomeUnknown(StoreError):
    """The database was lost during a commit, and did not come back in time to tell whether it succeeded.

    Either all of the call was stored or nothing. Repeating it is safe if each event has an `event_id`.
    """


class SchemaMismatch(StoreError):
    """The database was made by a version of vigility whose schema this one does not know."""
