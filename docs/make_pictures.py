"""Make the README's picture again: `python docs/make_pictures.py`.

It is the report of the demo population, through the program itself as the README shows it. The demo's
events lie in the last 90 days, so that the dates of the picture are those of the day it is made.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

PICTURE = Path(__file__).parent / "images" / "report.png"


def main() -> None:
    """Seed a database of its own and draw its report."""
    PICTURE.parent.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        database = str(Path(folder) / "demo.db")
        _vigility("--database", database, "seed", "--random-seed", "1")
        _vigility("--database", database, "report", "--feature", "date_filter", "--png", str(PICTURE))


def _vigility(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "vigility", *arguments], check=True)


if __name__ == "__main__":
    main()
