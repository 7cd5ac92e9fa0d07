"""Passwords, tokens and the secret they are signed with: what proves who a user is. Read `tokens.py` first."""
