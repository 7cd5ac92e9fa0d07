"""What can be set about the connections of a process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How many connections to PostgreSQL one process opens, and how many seconds one statement may take.

    On SQLite only the reading of a report is bounded, by the same number of seconds.

    Six connections are enough for a worker of the server: two threads read reports, four serve other
    requests, one writes single events, two write batches, others sign users in. They are seldom all busy, and
    a thread that finds no free connection waits for one.
    """

    connections: int = 6
    statement_seconds: int = 30
