"""Databases of many events, filled by the command line as a user fills one."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def options_of(sizes: Sequence[int]) -> argparse.Namespace:
    """What the command line asks for: `file` of JSON lines, numbers of `events`, `folder` of databases."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?")
    parser.add_argument("--events", type=int, nargs="+", default=sizes)
    parser.add_argument("--folder", type=Path, help="keep databases here, and use those that are here")
    return parser.parse_args()


def seeded(folder: Path, events: int) -> Path:
    """A database with so many events; filled where it is not there yet."""
    database = folder / f"{events}.db"
    if not database.exists():
        command = [sys.executable, "-m", "vigility", "--database", database, "seed", "--random-seed", "1"]
        subprocess.run([*map(str, command), "--events", str(events)], check=True, capture_output=True)
    return database
