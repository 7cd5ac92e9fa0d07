"""`vigility track`: one event, or a file of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from vigility.cli.errors import FAILED, CommandError, UsageError, named
from vigility.cli.help import examples
from vigility.cli.console import show
from vigility.cli.context import RunContext, run_context

if TYPE_CHECKING:
    from vigility.cli.importing import EventImport
    from vigility.cli.parsers.source import Source

Feature = Annotated[str | None, typer.Argument(metavar="FEATURE", help="The feature that was used.")]
User = Annotated[str | None, typer.Option(metavar="NAME", help="Who used it.")]
At = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="When: ISO 8601 with a zone, as 2026-01-31T12:00:00Z. Default: now."),
]
EventId = Annotated[
    str | None,
    typer.Option(metavar="UUID", help="An id of your choice: sent again with it, the event counts once."),
]
File = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="A file of events instead: JSON lines or CSV, gzip too; - for stdin."),
]
Rejects = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the lines that are wrong here, to be mended and sent again."),
]
FromLine = Annotated[
    int, typer.Option(min=1, metavar="N", help="Begin at this line of the file: go on after an interruption.")
]


EXAMPLES = examples(
    "vigility track date_filter --user user1",
    "vigility track export_data --user user1 --at 2026-01-31T12:00:00+01:00",
    "vigility track --file events.jsonl.gz --rejects wrong.jsonl",
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
    """Store that a user used a feature, or a whole file of such events.

    A file has the keys (in CSV, columns) username, feature_name, timestamp and optionally event_id.
    Right lines are stored, wrong ones reported by number and reason; if there are any, the exit code is 1.
    """
    session = run_context(context)
    if file is None:
        if rejects is not None or from_line != 1:
            raise UsageError("--rejects and --from-line go with --file")
        _track_one(session, feature, user, at, event_id)
        return
    if any(value is not None for value in (feature, user, at, event_id)):
        raise UsageError("with --file, the file says feature, user, time and id: leave them away")
    _track_file(session, file, rejects, from_line)


def _track_one(
    session: RunContext, feature: str | None, user: str | None, at: str | None, event_id: str | None
) -> None:
    if feature is None or user is None:
        raise UsageError("needs FEATURE and --user NAME, or --file PATH. See: vigility track --help")
    with session.open() as vigility, named(feature_name="FEATURE", username="--user", timestamp="--at"):
        event = vigility.track(user, feature, at, event_id)
    when = event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    show(f"Tracked {event.feature} for {user} at {when}.")


def _track_file(session: RunContext, path: str, rejects: Path | None, from_line: int) -> None:
    from vigility.cli.gc_threshold import gc_less_often
    from vigility.cli.rejects import RejectLog
    from vigility.cli.importing import EventImport
    from vigility.cli.progress import progress
    from vigility.cli.parsers.events import read_events
    from vigility.cli.parsers.source import open_source

    began = perf_counter()
    with (
        open_source(path) as source,
        session.open() as vigility,
        _opened(session, rejects, path, append=from_line > 1) as rejects_file,
        progress(source.size) as bar,
    ):
        faults = RejectLog(bar, rejects_file)
        events = read_events(source, from_line)
        task = EventImport(vigility, events, session.signals, faults)
        with gc_less_often(), _saying_what_is_stored(session, task, source, rejects):
            task.run(source, bar)
        faults.close()
    _summarize(session, task, faults.count, perf_counter() - began)


@contextmanager
def _opened(session: RunContext, rejects: Path | None, path: str, *, append: bool) -> Iterator[BinaryIO | None]:
    if rejects is None:
        yield None
        return
    if path != "-" and rejects.exists() and rejects.samefile(path):
        raise UsageError("--rejects must be another file than --file")
    session.forbid_overwriting(rejects)
    try:
        # When an import goes on, what was rejected before the interruption stays.
        file = rejects.open("ab" if append else "wb")
    except OSError as error:
        raise CommandError(f"cannot write {rejects}: {error.strerror}") from error
    with file:
        yield file


@contextmanager
def _saying_what_is_stored(
    session: RunContext, task: EventImport, source: Source, rejects: Path | None
) -> Iterator[None]:
    """Let whatever ends the import early say what is stored, and how to go on."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"{task.stored.in_words()}. To go on: {_resume(session, task, source, rejects)}")
        raise


def _resume(session: RunContext, task: EventImport, source: Source, rejects: Path | None) -> str:
    from shlex import quote

    path = "-" if source.size is None and source.name == "stdin" else quote(source.name)
    kept = f" --rejects {quote(str(rejects))}" if rejects else ""
    return f"{session.command} track --file {path}{kept} --from-line {task.stored.last_line + 1}"


def _summarize(session: RunContext, task: EventImport, wrong: int, seconds: float) -> None:
    from vigility.cli.pluralize import pluralize

    stored = task.stored
    parts = [f"{counted(stored.events, 'event')} stored"]
    if stored.duplicates:
        parts.append(f"{stored.duplicates:,} stored before (same event_id)")
    if wrong:
        parts.append(f"{counted(wrong, 'wrong line')} left out")
        session.exit_code = FAILED
    rate = f" ({stored.events / seconds:,.0f} a second)" if seconds > 1 and stored.events else ""
    show(f"{', '.join(parts)}{rate}.")
