"""How many writers keep the daily rollups on PostgreSQL: by upserts, or by parts that readers add up.

    python benchmarks/postgres_contention.py [FILE.json]

2, 4 and 8 processes write batches of events over the same 42 summary rows (7 features, 6 groups, one day),
each batch in a durable transaction. Beside the upsert as vigility does it, last in the transaction and in key
order: the same upsert first, and an INSERT of the partial counts without any row that two writers share. With
the foreign keys of the events and without. Bare psycopg, so that only the server is compared.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from functools import partial
from typing import Any

import psycopg

import vigility
from measuring import compared, in_turn, json_file_argument, show
from postgres_server import database, postgres

ROUNDS = 3
SECONDS = 2.0
WRITERS = (2, 4, 8)
BATCHES = (50, 1_000)
_shared: list[Any] = []
FEATURES = 7
GROUPS = {17: "<18", 30: "18-40"}
USERS = 100
DAY = 20_000

EVENTS = """
INSERT INTO vigility_events (user_id, feature_id, at, age, gender)
SELECT * FROM unnest(%s::int[], %s::int[], %s::bigint[], %s::smallint[], %s::text[])
"""
COLUMNS = "(feature_id, day, age_group, gender, count)"
COUNTED = "SELECT * FROM unnest(%s::int[], %s::int[], %s::text[], %s::text[], %s::bigint[])"
PARTS = f"INSERT INTO parts {COLUMNS} {COUNTED}"
UPSERT = f"""
INSERT INTO vigility_day_summaries AS summary {COLUMNS} {COUNTED}
ON CONFLICT (feature_id, day, age_group, gender) DO UPDATE SET count = summary.count + excluded.count
"""
WAYS = {
    "upsert last": (EVENTS, UPSERT),
    "upsert first": (UPSERT, EVENTS),
    "append parts": (EVENTS, PARTS),
    "no summaries": (EVENTS,),
}


def main() -> None:
    """Print a table for each number of writers and size of batch."""
    with postgres() as server:
        for keys in ("foreign keys", "no foreign keys"):
            with database(server, keys.replace(" ", "_")) as url:
                prepare(url, keys == "foreign keys")
                for writers in WRITERS:
                    for batch in BATCHES:
                        actions = {way: partial(measured, url, way, writers, batch) for way in WAYS}
                        figures = compared(in_turn(actions, ROUNDS), "upsert last", "events/s")
                        title = f"PostgreSQL, {writers} writers, batches of {batch:,}, {keys}"
                        show(title, figures, json_file_argument())


def prepare(url: str, foreign_keys: bool) -> None:
    """The tables, with users and features."""
    vigility.connect(url).close()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE parts (LIKE vigility_day_summaries)")
        connection.execute(
            "INSERT INTO vigility_users (username, age, gender, created) "
            "SELECT n, 20, 'Other', 0 FROM generate_series(1, %s) AS n",
            (USERS,),
        )
        connection.execute(
            "INSERT INTO vigility_features (name) SELECT n FROM generate_series(1, %s) AS n", (FEATURES,)
        )
        if foreign_keys:
            connection.execute(
                "ALTER TABLE vigility_events ADD FOREIGN KEY (user_id) REFERENCES vigility_users"
            )
            connection.execute(
                "ALTER TABLE vigility_events ADD FOREIGN KEY (feature_id) REFERENCES vigility_features"
            )


def measured(url: str, way: str, writers: int, batch: int) -> float:
    """Events a second that so many processes store together."""
    ready = multiprocessing.Barrier(writers)
    with multiprocessing.Pool(writers, initializer=_share, initargs=(ready,)) as pool:
        stored = pool.starmap(write, [(url, way, batch, seed) for seed in range(writers)], chunksize=1)
    return sum(stored) / SECONDS


def write(url: str, way: str, batch: int, seed: int) -> int:
    """Write for some seconds; how many events."""
    drawn = [columns(batch, random.Random(f"{seed}/{number}")) for number in range(20)]
    stored = 0
    with psycopg.connect(url, autocommit=True) as connection:
        _shared[0].wait()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            events, counts = drawn[stored // batch % len(drawn)]
            with connection.transaction():
                for statement in WAYS[way]:
                    connection.execute(statement.encode(), events if statement == EVENTS else counts)
            stored += batch
    return stored


def columns(batch: int, random_: random.Random) -> tuple[list[str], list[str]]:
    """The columns of a batch and of its summary rows, as literals of arrays."""
    rows = [
        (random_.randint(1, USERS), random_.randint(1, FEATURES), DAY * 86_400_000_000, age, gender)
        for _ in range(batch)
        for age, gender in [random_.choice([(a, g) for a in (17, 30) for g in ("Male", "Female", "Other")])]
    ]
    counted = Counter(
        (feature, DAY, "<18" if age < 18 else "18-40", gender) for _, feature, _, age, gender in rows
    )
    summaries = [(*key, count) for key, count in sorted(counted.items())]
    return literals(rows), literals(summaries)


def literals(rows: list[Any]) -> list[str]:
    """One array for each column."""
    return ["{" + ",".join(map(str, column)) + "}" for column in zip(*rows, strict=True)]


def _share(ready: Any) -> None:  # noqa: ANN401 - multiprocessing's barrier has no public type
    _shared.append(ready)


if __name__ == "__main__":
    main()
