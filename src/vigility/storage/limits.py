"""What one process may ask of a database server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections one process opens at most, and how many seconds one statement may take.

    Six are enough for a worker of the server: four threads answer, one writes and one logs in.
    """

    connections: int = 6
    statement_seconds: int = 30
