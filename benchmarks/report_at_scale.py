"""A report over 10,000,000 events beside one over 10,000, in process.

Both databases are seeded as `vigility seed` does: seven features over 90 days. The report asks for everything
and the days of one feature; with filters it reads fewer rows.

    python benchmarks/report_at_scale.py [JSON_FILE]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import vigility
from measuring import compared, in_turn, json_file_argument, seconds, show

SIZES = (10_000, 10_000_000)
ROUNDS = 200


def main() -> None:
    """Seed both, then ask each in turn."""
    with tempfile.TemporaryDirectory() as folder:
        opened = {size: seeded(Path(folder), size) for size in SIZES}
        actions = {
            f"report over {size:>10,} events": lambda v=v: (
                1_000 * seconds(lambda: v.report(feature="date_filter"))
            )
            for size, v in opened.items()
        }
        measured = in_turn(actions, ROUNDS)
        for size, v in opened.items():
            if v.report().total != size:
                raise SystemExit(f"{v.report().total} events are counted, not {size}")
            v.close()
    show(
        "A report by the number of events, median",
        compared(measured, next(iter(actions)), "ms"),
        json_file_argument(),
    )


def seeded(folder: Path, events: int) -> vigility.Vigility:
    """A database with so many events, filled by the command line."""
    database = folder / f"{events}.db"
    command = [sys.executable, "-m", "vigility", "--database", database, "seed", "--random-seed", "1"]
    subprocess.run([*map(str, command), "--events", str(events)], check=True, capture_output=True)
    return vigility.connect(str(database))


if __name__ == "__main__":
    main()
