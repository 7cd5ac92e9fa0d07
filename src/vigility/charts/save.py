"""From a report to a file: rendering, and writing it so that a failed run leaves the old file."""

from __future__ import annotations

import logging
import secrets
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Final, Literal

from vigility.charts.theme import apply_settings
from vigility.charts.picture import draw
from vigility.charts.text import fallback_fonts
from vigility.core.reports.report import Report

# Nothing that differs from one run to the next: the same report gives the same bytes.
_METADATA: Final = {
    "png": {"Title": "Feature Usage", "Software": "vigility"},
    "svg": {"Title": "Feature Usage", "Creator": "vigility", "Date": None},
}

# Matplotlib's settings and Python's warning filters belong to the whole process: one drawing at a
# time changes them, or two threads could leave each other's behind.
_drawing = threading.Lock()


def save_charts(report: Report, path: Path, format: Literal["png", "svg"]) -> None:  # noqa: A002 - the word for it
    """Draw the bar chart "Feature Usage" and, where the report has a feature, its daily line below.

    The file appears whole or not at all: a failure leaves what stood there before. The same report
    gives the same bytes wherever the same fonts and the same version of Matplotlib are installed.

    Raises:
        OSError: the file cannot be written. `filename` is `path` and `strerror` the reason.
    """
    picture = render(report, format)
    try:
        _write_whole(path, picture)
    except OSError as error:
        # The name of the temporary file would tell the reader nothing.
        raise OSError(error.errno, error.strerror, str(path)) from error


def render(report: Report, format: Literal["png", "svg"]) -> bytes:  # noqa: A002
    """The picture as the content of a file."""
    with drawing(report):
        picture = BytesIO()
        draw(report).savefig(picture, format=format, metadata=_METADATA[format])
        return picture.getvalue()


@contextmanager
def drawing(report: Report) -> Iterator[None]:
    """Inside it Matplotlib has the settings of these charts, whatever its user's own settings are."""
    import matplotlib as mpl

    with _drawing, _quiet(), mpl.rc_context():
        apply_settings(fallback_fonts(report))
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """A character that no installed font has, or a font without a bold face, is no reason to fail
    or to write on the terminal: the picture shows what the fonts can."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
            yield
    finally:
        logger.setLevel(level)


def _write_whole(path: Path, content: bytes) -> None:
    # Replacing /dev/stdout or a pipe by a file would do harm; opening a folder gives its own error.
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    target = path.resolve()  # a link stays a link
    temporary = target.with_name(f".vigility-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
