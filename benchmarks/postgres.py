"""vigility's writes on PostgreSQL beside bare psycopg's of the same rows: COPY, and INSERT by executemany.

    python benchmarks/postgres.py [FILE.json]

Starts Debian's PostgreSQL (`apt-get install postgresql`) with fsync and synchronous_commit on. All write to
the same tables and indexes, in transactions of the same size. The bare references get their rows ready made,
ids included; vigility checks every value, looks up users and features and writes the daily rollups too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg

import vigility
from measuring import compared, in_turn, json_file_argument, seconds, show
from postgres_server import database, postgres

ROUNDS = 5
EVENTS = 200_000
SIZES = (500, 1_000, 20_000)
USERS = 100
FEATURES = (
    "date_filter",
    "age_filter",
    "gender_filter",
    "bar_chart_zoom",
    "line_chart_hover",
    "export",
    "login",
)
NOW = datetime(2026, 3, 1, tzinfo=UTC)

Rows = Sequence[tuple[object, ...]]


def main() -> None:
    """Print a table for each size of transaction."""
    with postgres() as server, database(server, "bench") as url:
        events = drawn()
        rows = prepared(url, events)
        for size in SIZES:
            count = min(EVENTS, 100 * size)
            ways = {
                "bare psycopg COPY": partial(bare, url, rows[:count], size, copied),
                "bare psycopg executemany": partial(bare, url, rows[:count], size, inserted),
                "vigility track_many": partial(tracked, url, events[:count], size),
            }
            actions = {name: partial(rate, url, count, way) for name, way in ways.items()}
            title = f"PostgreSQL, events in transactions of {size:,}"
            show(
                title,
                compared(in_turn(actions, ROUNDS), "bare psycopg COPY", "events/s"),
                json_file_argument(),
            )


def drawn() -> list[vigility.NewEvent]:
    """Events of 100 users, 7 features and 90 days."""
    source = random.Random(1)
    moments = [NOW - timedelta(seconds=source.randrange(90 * 86_400)) for _ in range(EVENTS)]
    return [
        vigility.NewEvent(f"user{source.randrange(USERS)}", source.choice(FEATURES), moment)
        for moment in moments
    ]


def prepared(url: str, events: Sequence[vigility.NewEvent]) -> Rows:
    """The rows that vigility stores of these events."""
    with vigility.connect(url) as v:
        for number in range(USERS):
            v.users.add_without_password(f"user{number}", 10 + number % 60, ("Male", "Female")[number % 2])
        v.track_many(events)
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT * FROM vigility_events ORDER BY id").fetchall()


def rate(url: str, events: int, write: Callable[[], float]) -> float:
    """Events a second into tables that hold none."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE vigility_events, vigility_day_summaries")
        connection.execute("CHECKPOINT")
    return events / write()


def bare(url: str, rows: Rows, size: int, write: Callable[[psycopg.Cursor[object], Rows], None]) -> float:
    """Seconds that bare psycopg takes."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:

        def write_all() -> None:
            for begin in range(0, len(rows), size):
                with connection.transaction(), connection.cursor() as cursor:
                    write(cursor, rows[begin : begin + size])

        return seconds(write_all)


def copied(cursor: psycopg.Cursor[object], rows: Rows) -> None:
    """The rows by COPY."""
    with cursor.copy("COPY vigility_events FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def inserted(cursor: psycopg.Cursor[object], rows: Rows) -> None:
    """The rows by INSERT, which psycopg sends in a pipeline."""
    cursor.executemany("INSERT INTO vigility_events VALUES (%s, %s, %s, %s, %s, %s, %s)", rows)


def tracked(url: str, events: Sequence[vigility.NewEvent], size: int) -> float:
    """Seconds that vigility takes."""
    with vigility.connect(url) as v:
        return seconds(lambda: v.track_many(events, size))


if __name__ == "__main__":
    main()
