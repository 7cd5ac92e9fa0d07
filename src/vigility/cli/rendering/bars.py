"""Bars made of characters."""

from __future__ import annotations

from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

MIN_WIDTH: Final = 8
MAX_WIDTH: Final = 40

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
BAR_STYLE: Final = "cyan"


class ShareBar:
    """A bar that fills `share` (0 to 1) of its column. Any share above 0 is visible."""

    def __init__(self, share: float) -> None:
        self._share = share

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(MIN_WIDTH, options.max_width), min(MAX_WIDTH, options.max_width))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, MAX_WIDTH)
        yield Text(bar(self._share, width, ascii_only=options.ascii_only), style=BAR_STYLE, no_wrap=True)


def bar(share: float, width: int, *, ascii_only: bool) -> str:
    """Return the characters of a bar."""
    if share <= 0:
        return ""
    if ascii_only:
        return "#" * max(1, round(share * width))
    full, part = divmod(max(1, round(share * width * 8)), 8)
    return "█" * full + _EIGHTHS[part].strip()
