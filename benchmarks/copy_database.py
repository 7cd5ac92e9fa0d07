"""`vigility copy` of 400,000 events, beside bare sqlite3 that copies the same rows to the same tables.

The reference reads and writes pages of the same size, in transactions of the same size; it makes no day
summaries and compares nothing at the end.

    python benchmarks/copy_database.py [JSON_FILE]
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from measuring import compared, fresh, in_turn, json_file_argument, seconds, show
from postgres_server import database, postgres

EVENTS = 400_000
PAGE = 20_000
ROUNDS = 3
_PAGE = "SELECT * FROM vigility_events WHERE id > ? ORDER BY id LIMIT ?"


def main() -> None:
    """Measure, and print events a second."""
    with tempfile.TemporaryDirectory() as name, postgres() as server:
        folder = Path(name)
        source = folder / "source.db"
        vigility("--database", source, "seed", "--users", 1000, "--events", EVENTS, "--random-seed", 1)
        with database(server, "moved") as moved:
            copied(source, moved)
            measured = in_turn(
                {
                    "bare sqlite3, SQLite to SQLite": lambda: (
                        EVENTS / bare(source, fresh(folder / "bare.db"))
                    ),
                    "vigility copy, SQLite to SQLite": lambda: (
                        EVENTS / copied(source, fresh(folder / "a.db"))
                    ),
                    "vigility copy, SQLite to PostgreSQL": lambda: EVENTS / to_postgres(server, source),
                    "vigility copy, PostgreSQL to SQLite": lambda: (
                        EVENTS / copied(moved, fresh(folder / "b.db"))
                    ),
                    "again, where nothing is new": lambda: EVENTS / copied(source, folder / "a.db"),
                },
                ROUNDS,
            )
    figures = compared(measured, "bare sqlite3, SQLite to SQLite", "events/s")
    show(f"Copying {EVENTS:,} events", figures, json_file_argument())


def vigility(*arguments: object) -> None:
    """Run the command line."""
    command = [sys.executable, "-m", "vigility", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


def copied(source: object, target: object) -> float:
    """Seconds that a copy takes, from the start of the process to its end."""
    return seconds(lambda: vigility("copy", source, target))


def to_postgres(server: str, source: Path) -> float:
    """The same, into a new database of the server."""
    with database(server, "target") as url:
        return copied(source, url)


def bare(source: Path, target: Path) -> float:
    """Seconds that the sqlite3 module takes to copy the events."""
    with (
        closing(sqlite3.connect(source)) as reader,
        closing(sqlite3.connect(target, isolation_level=None)) as writer,
    ):
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA synchronous = FULL")
        for (sql,) in reader.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"):
            writer.execute(sql)
        return seconds(lambda: _copy_pages(reader, writer))


def _copy_pages(reader: sqlite3.Connection, writer: sqlite3.Connection) -> None:
    last = 0
    while page := reader.execute(_PAGE, (last, PAGE)).fetchall():
        writer.execute("BEGIN IMMEDIATE")
        writer.executemany("INSERT INTO vigility_events VALUES (?, ?, ?, ?, ?, ?, ?)", page)
        writer.execute("COMMIT")
        last = page[-1][0]


if __name__ == "__main__":
    main()
