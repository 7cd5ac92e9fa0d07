"""The old path `vigility.web.asgi`. It works, with a DeprecationWarning."""

from vigility.core.deprecated import warn_deprecated
from vigility.web.server.asgi import app as app  # noqa: PLC0414 - what servers load

warn_deprecated("vigility.web.asgi", "vigility.web.server.asgi")
