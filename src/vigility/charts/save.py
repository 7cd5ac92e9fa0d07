"""Renders a report and writes the picture to a file; a failed run leaves the old file as it was."""

from __future__ import annotations

import logging
import secrets
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import Final, Literal, get_args

from vigility.charts.picture import draw
from vigility.charts.text import fallback_fonts
from vigility.charts.theme import apply_settings
from vigility.core.errors import InvalidInput
from vigility.core.reports.report import Report

Format = Literal["png", "svg"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

# Nothing here differs from one run to the next, so that the same report gives the same bytes.
_METADATA: Final = {
    "png": {"Title": "Feature Usage", "Software": "vigility"},
    "svg": {"Title": "Feature Usage", "Creator": "vigility", "Date": None},
}

# Matplotlib's settings and Python's warning filters are global. Only one thread at a time may change
# them; otherwise two threads could restore each other's settings.
_drawing = threading.Lock()


def save_charts(
    report: Report,
    path: str | PathLike[str],
    format: Format | None = None,  # noqa: A002 - the word for it
) -> None:
    """Write the bar chart "Feature Usage" and, if a feature was chosen, the line chart of its days.

    Without a format, the ending of the path (`.png` or `.svg`) says which; it must not say another one. The
    file is written completely or not at all: after a failure the old file is still there. The same report
    gives the same bytes if the same fonts and the same version of Matplotlib are installed.

    Raises:
        InvalidInput: the format, or the ending of the path, is not one of these two, or they differ; or the
            path is none.
        OSError: the file cannot be written. `filename` is `path`, and `strerror` is the reason.
    """
    if not isinstance(path, str | PathLike) or not isinstance(fspath(path), str):
        raise InvalidInput("path", f"must be the path of a file, as text or Path, not {path!r:.40}")
    target = Path(path)
    kind = format_of(target) if format is None else format
    if target.suffix.lower().removeprefix(".") in {*FORMATS} - {kind}:
        raise InvalidInput("format", f"must not be {kind}, as the path ends in {target.suffix}")
    picture = render(report, kind)
    try:
        _write_atomically(target, picture)
    except OSError as error:
        # The user does not know the name of the temporary file.
        raise OSError(error.errno, error.strerror, str(path)) from error


def format_of(path: Path) -> Format:
    """The format that the ending of a path says. Raises InvalidInput."""
    ending = path.suffix.lower().removeprefix(".")
    for known in FORMATS:
        if ending == known:
            return known
    raise InvalidInput("path", f"must end in .png or .svg, not {path.name!r}")


def render(report: Report, format: Format) -> bytes:  # noqa: A002
    """Return the picture as the content of a file. Raises InvalidInput for another format."""
    if format not in FORMATS:
        raise InvalidInput("format", f"must be one of {', '.join(FORMATS)}, not {format!r:.40}")
    with drawing(report):
        picture = BytesIO()
        draw(report).savefig(picture, format=format, metadata=_METADATA[format])
        return picture.getvalue()


@contextmanager
def drawing(report: Report) -> Iterator[None]:
    """Apply the settings of these charts inside the block, whatever the user's own Matplotlib settings."""
    import matplotlib as mpl

    with _drawing, _quiet(), mpl.rc_context():
        apply_settings(fallback_fonts(report))
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence warnings about missing glyphs and missing bold fonts.

    The picture shows what the installed fonts contain; the rest is no reason to fail or to write to
    the terminal.
    """
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
            yield
    finally:
        logger.setLevel(level)


def _write_atomically(path: Path, content: bytes) -> None:
    # Never replace /dev/stdout or a pipe with a file. Opening a folder raises its own error.
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    target = path.resolve()  # keep a symbolic link
    temporary = target.with_name(f".vigility-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
