"""A shortcut past Falcon for plain `POST /track` requests. Read `handler.py` first.

`event_writer.py` hands single events of both paths to the core.
"""
