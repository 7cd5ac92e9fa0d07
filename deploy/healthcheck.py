"""Ends with 0 where the server of this machine says that its database can be reached; needs no curl."""

import os
import sys
import urllib.request

SECONDS = 4
PORT = os.environ.get("PORT") or "8002"

try:
    urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=SECONDS).close()
except OSError as error:  # refused, too late, or a status like 503
    sys.exit(f"vigility is not healthy: {error}")
