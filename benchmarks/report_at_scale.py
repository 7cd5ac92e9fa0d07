"""A report in process, by the number of stored events.

The databases are seeded as `vigility seed` does: seven features over 90 days. The report asks for everything
and the days of one feature; with filters it reads fewer rows.

    python benchmarks/report_at_scale.py [FILE.json] [--events 10000 10000000] [--folder FOLDER]

With a folder, databases are kept there, and used again: 100,000,000 events take a quarter of an hour to seed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import vigility
from measuring import compared, in_turn, seconds, show
from seeding import options_of, seeded

SIZES = (10_000, 10_000_000)
ROUNDS = 200


def main() -> None:
    """Seed all, then ask each in turn."""
    options = options_of(SIZES)
    with tempfile.TemporaryDirectory() as folder:
        opened = {
            size: vigility.connect(str(seeded(options.folder or Path(folder), size)))
            for size in options.events
        }
        actions = {
            f"report over {size:>11,} events": lambda v=v: (
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
        options.file,
    )


if __name__ == "__main__":
    main()
