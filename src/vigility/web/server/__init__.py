"""gunicorn, its worker, and HTTP on the wire. The only package that imports gunicorn or uvicorn.

Read `gunicorn_server.py` first, then `protocol.py`.
"""
