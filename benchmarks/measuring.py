"""How the benchmarks measure: rounds in turn, medians, each figure beside a reference of the same run."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from operator import truediv
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured median and its ratio to the reference of the same run (1.0 for the reference itself)."""

    name: str
    value: float
    unit: str
    ratio: float


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes, in seconds."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def in_turn(actions: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measure every action once a round, so that what else the machine does touches all alike."""
    measured: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            measured[name].append(action())
    return measured


def compared(measured: Mapping[str, list[float]], reference: str, unit: str) -> list[Figure]:
    """The medians; each ratio is that of the rounds' ratios, as rounds differ more than what is in one."""
    base = measured[reference]
    return [
        Figure(name, statistics.median(values), unit, statistics.median(map(truediv, values, base)))
        for name, values in measured.items()
    ]


def show(title: str, figures: list[Figure], json_file: str | None = None) -> None:
    """Print a table; with `json_file`, add the figures to that file as one line of JSON too."""
    width = max(len(figure.name) for figure in figures)
    print(f"\n{title}\n{machine()}\n")
    for figure in figures:
        print(f"  {figure.name:<{width}}  {figure.value:>14,.3f} {figure.unit:<9}  {figure.ratio:>6.2f} x")
    if json_file:
        with Path(json_file).open("a", encoding="utf-8") as lines:
            found = {
                "benchmark": title,
                "machine": machine(),
                "figures": [asdict(figure) for figure in figures],
            }
            lines.write(json.dumps(found) + "\n")


def fresh(path: Path) -> Path:
    """The path, with no database of an earlier round at it."""
    for suffix in ("", "-wal", "-shm", "-lock"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return path


def machine() -> str:
    """The machine in one line."""
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def json_file_argument() -> str | None:
    """The file named on the command line, if any."""
    return sys.argv[1] if len(sys.argv) > 1 else None
