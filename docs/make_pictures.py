"""Draw the README's picture again: `python docs/make_pictures.py`.

It shows the report of the demo population, drawn by the program itself. The demo's events lie in the last
90 days, so the dates in the picture depend on the day it is drawn.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

PICTURE = Path(__file__).parent / "images" / "report.png"


def main() -> None:
    """Seed a temporary database and draw its report."""
    PICTURE.parent.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        database = str(Path(folder) / "demo.db")
        _vigility("--database", database, "seed", "--random-seed", "1")
        _vigility("--database", database, "report", "--feature", "date_filter", "--png", str(PICTURE))


def _vigility(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "vigility", *arguments], check=True)


if __name__ == "__main__":
    main()
