"""The SQL backends: SQLAlchemy Core, without an ORM on the write path. Read `backend.py` first.

What SQLite and PostgreSQL have in common is here. What only one of them has is in `sqlite/` and `postgres/`,
behind the Protocol `Database` (`database.py`).
"""
