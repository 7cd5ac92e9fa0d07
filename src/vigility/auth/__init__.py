"""Passwords, tokens and their signing secret: what proves who a user is. Read `tokens.py` first."""
