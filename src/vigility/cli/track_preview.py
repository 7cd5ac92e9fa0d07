"""What `vigility track --dry-run` says at its end, besides how many events would be stored."""

from __future__ import annotations

from collections.abc import Iterator

from vigility.cli.console import visible
from vigility.cli.pluralize import pluralize
from vigility.core.events.preview import MAX_REMEMBERED, Preview
from vigility.core.times import from_micros

# As many as a person reads.
_SHOWN = 10


def preview_lines(preview: Preview) -> Iterator[str]:
    """Yield what a person checks before an import: whose events they are, of what, from when to when."""
    if preview.times is not None:
        first, last = (f"{from_micros(at):%Y-%m-%d %H:%M}" for at in preview.times)
        of = f"{pluralize(len(preview.users), 'user')} and {pluralize(len(preview.features), 'feature')}"
        yield f"They are of {of}, from {first} to {last} UTC."
    if new := sorted(preview.new_features.names):
        yield f"{pluralize(len(new), 'new feature')}: {_names(new)}."
    if preview.unknown_users:
        names = [name for name, _ in preview.unknown_users.most_common()]
        yield f"{pluralize(len(names), 'unknown user')}: {_names(names)}. To add them: vigility users import."
    if preview.forgot:
        yield f"Only the first {MAX_REMEMBERED:,} event_ids were compared with each other."
    yield "Nothing was stored."


def _names(names: list[str]) -> str:
    more = len(names) - _SHOWN
    shown = ", ".join(map(visible, names[:_SHOWN]))
    return f"{shown} and {more:,} more" if more > 0 else shown
