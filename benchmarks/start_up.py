"""How long the program takes to start, beside an empty Python.

python benchmarks/start_up.py [JSON_FILE]
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

from measuring import compared, in_turn, json_file_argument, seconds, show

ROUNDS = 15
PROGRAM = str(Path(sysconfig.get_path("scripts")) / "vigility")


def main() -> None:
    """Measure whole processes, from their start to their end."""
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "usage.db")
        subprocess.run([PROGRAM, "--database", database, "seed"], check=True, capture_output=True)
        actions = {
            "python -c pass": command(sys.executable, "-c", "pass"),
            "import vigility": command(sys.executable, "-c", "import vigility"),
            "vigility --help": command(PROGRAM, "--help"),
            "vigility track": command(
                PROGRAM, "--database", database, "track", "export_data", "--user", "user1"
            ),
            "vigility report": command(PROGRAM, "--database", database, "report"),
        }
        measured = in_turn(actions, ROUNDS)
    show(
        "Start-up, median of whole processes",
        compared(measured, "python -c pass", "ms"),
        json_file_argument(),
    )


def command(*arguments: str) -> Callable[[], float]:
    """An action that runs the command and returns its milliseconds."""
    return lambda: 1_000 * seconds(lambda: subprocess.run(arguments, check=True, capture_output=True))


if __name__ == "__main__":
    main()
