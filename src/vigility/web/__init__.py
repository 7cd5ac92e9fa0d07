"""The web server: the HTTP API and the dashboard, on Falcon over ASGI. Read `app.py` first."""

from pathlib import Path

# gunicorn's command line names modules. Its old ones are found here, and warn.
__path__.append(str(Path(__file__).parent / "server" / "old_paths"))
