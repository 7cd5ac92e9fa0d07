"""The configuration for gunicorn's own command.

gunicorn -c python:vigility.web.server.gunicorn_conf vigility.web.server.asgi:app
"""

import sys

from vigility.config import load_settings
from vigility.core.errors import VigilityError
from vigility.web.server.gunicorn_server import options, prepare

try:
    _settings = load_settings()
    prepare(_settings)
except VigilityError as _error:
    sys.exit(f"vigility: {_error}")

globals().update(options(_settings))
