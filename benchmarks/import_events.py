"""Import of the 1,048,575 OULAD events by the library and the command, beside bare sqlite3 on the same rows.

All write the same columns to the same tables and indexes, WAL, synchronous=FULL. The bare reference gets its
rows ready made from memory. `track_many` gets names and times from memory, checks every value, looks up users
and features and writes the daily rollups too; `track --file` also reads the gzipped JSON lines.

    python benchmarks/import_events.py [JSON_FILE]
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import vigility
from measuring import compared, fresh, in_turn, json_file_argument, seconds, show
from vigility import NewEvent

OULAD = Path(__file__).resolve().parents[2] / "shared" / "data" / "oulad"
ROUNDS = 5
BATCH = 20_000
OLDEST_DAYS = 36_525  # the events are from 2013 and 2014
OLD = ("--oldest-days", OLDEST_DAYS)


def main() -> None:
    """Measure, and print events a second."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows, schema = prepared(folder / "rows.db")
        events = new_events()
        measured = in_turn(
            {
                "bare sqlite3.executemany": lambda: len(rows) / bare(folder, rows, schema),
                "Vigility.track_many": lambda: len(rows) / by_library(folder, events),
                "vigility track --file": lambda: len(rows) / by_command(folder),
            },
            ROUNDS,
        )
    figures = compared(measured, "bare sqlite3.executemany", "events/s")
    show("Import of 1,048,575 events from a gzipped file", figures, json_file_argument())


def command(database: Path, *arguments: object) -> None:
    """Run the command line."""
    program = [sys.executable, "-m", "vigility", "--database", database, *arguments]
    subprocess.run([str(part) for part in program], check=True, capture_output=True)


def by_command(folder: Path) -> float:
    """Seconds that the import takes, from the start of the process to its end."""
    database = fresh(folder / "vigility.db")
    command(database, "users", "import", OULAD / "users.csv")
    return seconds(lambda: command(database, "track", "--file", OULAD / "events.jsonl.gz", *OLD))


def by_library(folder: Path, events: Sequence[NewEvent]) -> float:
    """Seconds that the library takes, in transactions of the same size."""
    database = fresh(folder / "library.db")
    command(database, "users", "import", OULAD / "users.csv")
    with vigility.connect(str(database), oldest_event_days=OLDEST_DAYS) as v:
        return seconds(lambda: v.track_many(events, BATCH))


def new_events() -> list[NewEvent]:
    """The events as a program has them."""
    with gzip.open(OULAD / "events.jsonl.gz", "rt", encoding="utf-8") as lines:
        entries = map(json.loads, lines)
        return [NewEvent(entry["username"], entry["feature_name"], entry["timestamp"]) for entry in entries]


def prepared(database: Path) -> tuple[list[tuple[object, ...]], list[str]]:
    """The rows that vigility stores, and the statements that make its tables."""
    command(database, "users", "import", OULAD / "users.csv")
    command(database, "track", "--file", OULAD / "events.jsonl.gz", *OLD)
    with sqlite3.connect(database) as stored:
        rows = stored.execute("SELECT * FROM vigility_events ORDER BY id").fetchall()
        schema = [sql for (sql,) in stored.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
    return rows, schema


def bare(folder: Path, rows: list[tuple[object, ...]], schema: list[str]) -> float:
    """Seconds that the sqlite3 module takes to write the same rows, in transactions of the same size."""
    database = sqlite3.connect(fresh(folder / "bare.db"), isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    for statement in schema:
        database.execute(statement)

    def write() -> None:
        for begin in range(0, len(rows), BATCH):
            database.execute("BEGIN IMMEDIATE")
            database.executemany(
                "INSERT INTO vigility_events VALUES (?, ?, ?, ?, ?, ?, ?)", rows[begin : begin + BATCH]
            )
            database.execute("COMMIT")

    taken = seconds(write)
    database.close()
    return taken


if __name__ == "__main__":
    main()
