"""The old path `vigility.web.gunicorn_conf`. It works, with a DeprecationWarning."""

from vigility.core.deprecated import warn_deprecated
from vigility.web.server.gunicorn_conf import *  # noqa: F403 - gunicorn's settings, by their names

warn_deprecated("vigility.web.gunicorn_conf", "vigility.web.server.gunicorn_conf")
