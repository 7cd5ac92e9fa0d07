"""Requests, errors, static files and threads: what every resource shares. Read `requests.py` first."""
