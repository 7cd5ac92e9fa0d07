"""PostgreSQL: connections and transactions (`database.py`), statements that write events (`rows.py`), lost
commits (`commit_log.py`), and ids that appear out of order (`high_watermark.py`).
"""
