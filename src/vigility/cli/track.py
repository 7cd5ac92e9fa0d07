"""`vigility track`: stores one event, or a file of events."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from vigility.cli.console import show
from vigility.cli.context import RunContext, run_context
from vigility.cli.errors import UsageError, named
from vigility.cli.file_options import EncodingName, IgnoreUnknown, Map
from vigility.cli.help import examples
from vigility.cli.old_events import older_by_option
from vigility.core.events.window import MAX_OLDEST_DAYS

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
Files = Annotated[
    list[str] | None,
    typer.Option(
        "--file",
        metavar="PATH",
        help="A file of events: JSON lines or CSV, also packed by gzip, bzip2, xz, zstd or zip; - for stdin. "
        "Can be repeated: the files are read in this order.",
    ),
]
Rejects = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write invalid lines to this file, to be fixed and sent again."),
]
FromLine = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Start at this line of the (first) file, to continue after an interruption. --rejects then "
        "keeps what is already in its file.",
    ),
]
OldestDays = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MAX_OLDEST_DAYS,
        metavar="N",
        help="Take events that are up to N days old. Default: VIGILITY_OLDEST_EVENT_DAYS, or ten years.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Only say what would be stored and what rejected; store nothing."),
]


EXAMPLES = examples(
    "vigility track date_filter --user user1",
    "vigility track export_data --user user1 --at 2026-01-31T12:00:00+01:00",
    "vigility track --file events.jsonl.gz --rejects invalid.jsonl",
    "vigility track --file january.csv --file february.csv.xz --dry-run",
    "vigility track --file export.csv --map username=user_id --map feature_name=action",
    "vigility track --file history.csv --oldest-days 7300",
    "zcat logs/*.jsonl.gz | vigility track --file -",
)


def track(  # noqa: PLR0913 - a command has as many parameters as options
    context: typer.Context,
    *,
    feature: Feature = None,
    user: User = None,
    at: At = None,
    event_id: EventId = None,
    files: Files = None,
    rejects: Rejects = None,
    from_line: FromLine = None,
    oldest_days: OldestDays = None,
    encoding: EncodingName = None,
    maps: Map = None,
    ignore_unknown: IgnoreUnknown = False,
    dry_run: DryRun = False,
) -> None:
    """Store an event, or import files of events.

    An event says that a user used a feature. A file has the keys (in CSV: columns) username, feature_name,
    timestamp and optionally event_id. Further columns are named and ignored. What separates the cells of CSV
    is told by the header: a comma, a semicolon, a tab or a bar. Invalid lines are shown with their number and
    reason, and skipped; then the exit code is 1.
    """
    run = run_context(context)
    of_files = (rejects, from_line, encoding, maps, ignore_unknown, dry_run)
    if not files:
        if any(of_files):
            others = "--encoding, --map, --ignore-unknown and --dry-run"
            raise UsageError(f"--rejects and --from-line need --file, and so do {others}")
        _track_one(run, feature, user, at, event_id, oldest_days)
        return
    if any(value is not None for value in (feature, user, at, event_id)):
        raise UsageError("--file cannot be combined with FEATURE, --user, --at or --event-id")
    from vigility.cli.file_options import file_options
    from vigility.cli.parsers.json_lines import KEYS
    from vigility.cli.track_files import TrackFiles

    options = file_options(KEYS, encoding, maps, ignore_unknown=ignore_unknown)
    TrackFiles(run, files, options, rejects, from_line, oldest_days, is_preview=dry_run).run_all(perf_counter)


def _track_one(  # noqa: PLR0913, PLR0917 - as many as options
    run: RunContext,
    feature: str | None,
    user: str | None,
    at: str | None,
    event_id: str | None,
    oldest_days: int | None,
) -> None:
    if feature is None or user is None:
        raise UsageError("needs FEATURE and --user NAME, or --file PATH. See: vigility track --help")
    with (
        run.open_for_tracking(oldest_days) as vigility,
        named(feature_name="FEATURE", username="--user", timestamp="--at"),
        older_by_option(),
    ):
        stored = vigility.submit(user, feature, at, event_id).result()
    when = stored.event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    what = f"{stored.event.feature} for {user} at {when}"
    show(f"Already stored (same event_id): {what}." if stored.repeated else f"Tracked {what}.")
