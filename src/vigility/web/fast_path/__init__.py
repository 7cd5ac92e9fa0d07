"""A shortcut past Falcon for plain `POST /track` requests, and what writes events. Read `handler.py` first."""
