"""The HTTP face: Falcon over ASGI, under gunicorn. First file to read: `app.py`."""
