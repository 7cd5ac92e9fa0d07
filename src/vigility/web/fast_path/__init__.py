"""A shortcut past Falcon for plain `POST /track` requests. Read `handler.py` first."""
