"""SQLite: its connections and statements (`database.py`), and the lock among its writers (`file_lock.py`)."""
