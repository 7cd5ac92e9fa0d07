"""Scenarios that break a server under load, and the checks of what it has stored afterwards."""
