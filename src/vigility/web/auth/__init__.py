"""From a request to a user: tokens, cookies, sessions, rate limits. Read `authentication.py` first."""
