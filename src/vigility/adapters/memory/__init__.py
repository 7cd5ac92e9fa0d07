"""A backend in memory: the oracle that every other backend is tested against. Read `events.py` first.

It stores nothing but users and events, and computes each answer from them in the simplest way there is. It
is not fast, and its data is gone with the process.
"""
