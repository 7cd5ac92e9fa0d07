"""All benchmarks, one after the other; the figures of docs/benchmarks.md come from here (`make bench`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = (
    "start_up",
    "import_events",
    "copy_database",
    "report_at_scale",
    "workers",
    "analytics",
    "ingest",
    "dashboard_ready",
    "postgres",
    "postgres_contention",
    "postgres_http",
    "postgres_reports",
)


def main() -> None:
    """Run each in a process of its own; what the command line names is passed on."""
    for name in BENCHMARKS:
        script = Path(__file__).with_name(f"{name}.py")
        subprocess.run([sys.executable, script, *sys.argv[1:]], check=True)


if __name__ == "__main__":
    main()
