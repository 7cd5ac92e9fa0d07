"""The old path `vigility.web.worker`. It works, with a DeprecationWarning."""

from vigility.core.deprecated import warn_deprecated
from vigility.web.server.worker import Worker as Worker  # noqa: PLC0414 - what gunicorn loads

warn_deprecated("vigility.web.worker", "vigility.web.server.worker")
