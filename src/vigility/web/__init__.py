"""The web server: the HTTP API and the dashboard, on Falcon over ASGI. Read `app.py` first."""
