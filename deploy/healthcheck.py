"""Exits with 0 if the server on this machine reports that it can reach its database. Needs no curl."""

import os
import sys
import urllib.request

SECONDS = 4
PORT = os.environ.get("PORT") or "8002"

try:
    urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=SECONDS).close()
except OSError as error:  # connection refused, time-out, or a status such as 503
    sys.exit(f"vigility is not healthy: {error}")
