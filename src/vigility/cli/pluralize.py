"""Numbers with their nouns."""

from __future__ import annotations


def pluralize(number: int, noun: str, plural: str | None = None) -> str:
    """Format a number with its noun: "1 event", "1,000 events"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
