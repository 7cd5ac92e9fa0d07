"""A report over 10,000,000 events on PostgreSQL beside one over 10,000, in process.

Both databases are seeded as `vigility seed` does: seven features over 90 days. The report asks for everything
and the days of one feature.

    python benchmarks/postgres_reports.py [JSON_FILE]
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from functools import partial

import vigility
from measuring import compared, in_turn, json_file_argument, seconds, show
from postgres_server import database, postgres

SIZES = (10_000, 10_000_000)
ROUNDS = 200


def main() -> None:
    """Seed both, then ask each in turn."""
    with ExitStack() as stack:
        server = stack.enter_context(postgres())
        opened = {}
        for size in SIZES:
            url = stack.enter_context(database(server, f"events{size}"))
            opened[size] = stack.enter_context(seeded(url, size))
        actions = {f"report over {size:>10,} events": partial(report, v) for size, v in opened.items()}
        measured = in_turn(actions, ROUNDS)
        for size, v in opened.items():
            if v.report().total != size:
                sys.exit(f"{v.report().total} events are counted, not {size}")
        title = "PostgreSQL: a report by the number of events, median"
        show(title, compared(measured, next(iter(actions)), "ms"), json_file_argument())


def report(v: vigility.Vigility) -> float:
    """Milliseconds of one."""
    return 1_000 * seconds(lambda: v.report(feature="date_filter"))


def seeded(url: str, events: int) -> vigility.Vigility:
    """A database with so many events, filled by the command line."""
    command = [sys.executable, "-m", "vigility", "--database", url, "seed", "--random-seed", "1"]
    subprocess.run([*command, "--events", str(events)], check=True, capture_output=True)
    return vigility.connect(url)


if __name__ == "__main__":
    main()
