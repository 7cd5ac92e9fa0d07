"""The SQL store: SQLAlchemy Core, no ORM on the write path. First file to read: `store.py`."""
