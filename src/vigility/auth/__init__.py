"""Passwords and tokens: what proves who a user is."""
