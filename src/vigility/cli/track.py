"""`vigility track`: stores one event, or a file of events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from vigility.cli.console import rate, show
from vigility.cli.context import RunContext, run_context
from vigility.cli.errors import FAILED, CommandError, UsageError, named
from vigility.cli.help import examples

if TYPE_CHECKING:
    from vigility.cli.event_import import EventImport
    from vigility.cli.parsers.source import Source

Feature = Annotated[str | None, typer.Argument(metavar="FEATURE", help="The feature that was used.")]
User = Annotated[str | None, typer.Option(metavar="NAME", help="Who used it.")]
At = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="When: ISO 8601 with a time zone, as 2026-01-31T12:00:00Z. Default: now."
    ),
]
EventId = Annotated[
    str | None,
    typer.Option(metavar="UUID", help="An id of your choice. Events with the same id are stored only once."),
]
File = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="A file of events: JSON lines or CSV, also gzipped; - for stdin."),
]
Rejects = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write invalid lines to this file, to be fixed and sent again."),
]
FromLine = Annotated[
    int,
    typer.Option(
        min=1, metavar="N", help="Start at this line of the file, to continue after an interruption."
    ),
]


EXAMPLES = examples(
    "vigility track date_filter --user user1",
    "vigility track export_data --user user1 --at 2026-01-31T12:00:00+01:00",
    "vigility track --file events.jsonl.gz --rejects invalid.jsonl",
    "zcat logs/*.jsonl.gz | vigility track --file -",
)


def track(  # noqa: PLR0913 - a command has as many parameters as options
    context: typer.Context,
    *,
    feature: Feature = None,
    user: User = None,
    at: At = None,
    event_id: EventId = None,
    file: File = None,
    rejects: Rejects = None,
    from_line: FromLine = 1,
) -> None:
    """Store an event, or import a file of events.

    An event says that a user used a feature. A file has the keys (in CSV: columns) username, feature_name,
    timestamp and optionally event_id. Invalid lines are shown with their number and reason, and skipped;
    then the exit code is 1.
    """
    run = run_context(context)
    if file is None:
        if rejects is not None or from_line != 1:
            raise UsageError("--rejects and --from-line need --file")
        _track_one(run, feature, user, at, event_id)
        return
    if any(value is not None for value in (feature, user, at, event_id)):
        raise UsageError("--file cannot be combined with FEATURE, --user, --at or --event-id")
    _track_file(run, file, rejects, from_line)


def _track_one(
    run: RunContext, feature: str | None, user: str | None, at: str | None, event_id: str | None
) -> None:
    if feature is None or user is None:
        raise UsageError("needs FEATURE and --user NAME, or --file PATH. See: vigility track --help")
    with run.open() as vigility, named(feature_name="FEATURE", username="--user", timestamp="--at"):
        event = vigility.track(user, feature, at, event_id)
    when = event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    show(f"Tracked {event.feature} for {user} at {when}.")


def _track_file(run: RunContext, path: str, rejects_path: Path | None, from_line: int) -> None:
    from vigility.cli.event_import import EventImport
    from vigility.cli.gc_threshold import higher_gc_threshold
    from vigility.cli.parsers.events import read_events
    from vigility.cli.parsers.source import open_source
    from vigility.cli.progress import show_progress
    from vigility.cli.rejects import RejectLog

    began = perf_counter()
    with (
        open_source(path) as source,
        run.open() as vigility,
        _open_rejects(run, rejects_path, path, append=from_line > 1) as rejects_file,
        show_progress(source.size) as progress,
    ):
        rejects = RejectLog(progress, rejects_file)
        events = read_events(source, from_line)
        task = EventImport(vigility, events, run.signals, rejects)
        with higher_gc_threshold(), _progress_in_errors(run, task, source, rejects_path):
            task.run(source, progress)
        rejects.close()
    _summarize(run, task, rejects.rejected, perf_counter() - began)


@contextmanager
def _open_rejects(
    run: RunContext, rejects: Path | None, path: str, *, append: bool
) -> Iterator[BinaryIO | None]:
    if rejects is None:
        yield None
        return
    if path != "-" and rejects.exists() and rejects.samefile(path):
        raise UsageError("--rejects and --file must be different files")
    run.forbid_overwriting(rejects)
    try:
        # When an import continues, keep what was rejected before the interruption.
        file = rejects.open("ab" if append else "wb")
    except OSError as error:
        raise CommandError(f"cannot write {rejects}: {error.strerror}") from error
    with file:
        yield file


@contextmanager
def _progress_in_errors(
    run: RunContext, task: EventImport, source: Source, rejects: Path | None
) -> Iterator[None]:
    """Add to any error how much was stored and how to continue."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"{task.stored.describe()}. To continue: {_resume(run, task, source, rejects)}")
        raise


def _resume(run: RunContext, task: EventImport, source: Source, rejects: Path | None) -> str:
    from shlex import quote

    path = "-" if source.size is None and source.name == "stdin" else quote(source.name)
    kept = f" --rejects {quote(str(rejects))}" if rejects else ""
    return f"{run.command} track --file {path}{kept} --from-line {task.stored.last_line + 1}"


def _summarize(run: RunContext, task: EventImport, rejected: int, seconds: float) -> None:
    from vigility.cli.pluralize import pluralize

    stored = task.stored
    parts = [f"{pluralize(stored.events, 'event')} stored"]
    if stored.duplicates:
        parts.append(f"{stored.duplicates:,} already stored (same event_id)")
    if rejected:
        parts.append(f"{pluralize(rejected, 'invalid line')} skipped")
        run.exit_code = FAILED
    show(f"{', '.join(parts)}{rate(stored.events, seconds)}.")
