"""Formats results for a terminal (with Rich) and for machines (JSON, CSV). Imports no command."""
