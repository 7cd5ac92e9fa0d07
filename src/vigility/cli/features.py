"""`vigility features`: lists features, deletes them with their events, and renames them."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Final

import typer

from vigility.cli.confirm import require_yes
from vigility.cli.console import show, visible
from vigility.cli.context import run_context
from vigility.cli.deleting import step_by_step
from vigility.cli.errors import UsageError, named
from vigility.cli.help import command_group, examples
from vigility.cli.pluralize import pluralize
from vigility.core.reports.ports import FeatureUse

SHOWN: Final = 10

app = command_group("List, delete and rename features.")

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


@app.command(
    "list",
    epilog=examples(
        "vigility features list",
        "vigility features list --json | jq '.[] | select(.events < 10)'",
    ),
)
def list_features(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List all features, the most used first, with the days of their first and last event (UTC)."""
    run = run_context(context)
    with run.open() as vigility:
        features = vigility.maintenance.features()
    if as_json:
        from vigility.cli.rendering.machine import feature_json, json_text

        show(json_text([feature_json(use) for use in features]))
    elif features:
        from vigility.cli.rendering.events import feature_lines

        for line in feature_lines(features):
            show(line)
        show(f"\n{pluralize(len(features), 'feature')}")
    else:
        show(f"{run.database_name} has no features. To track one: {run.command} track --help")


@app.command(
    epilog=examples(
        "vigility features delete date_fliter",
        "vigility features delete --matching 'test-*'",
    )
)
def delete(
    context: typer.Context,
    *,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="The features.")] = None,
    matching: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN", help="Features whose names match: * is any text, ? is any character."
        ),
    ] = None,
    yes: Yes = False,
) -> None:
    """Delete features with all their events.

    They are shown, and you are asked. A feature comes back when it is tracked again.
    """
    if not names and matching is None:
        raise UsageError("needs the name of a feature, or --matching PATTERN")
    run = run_context(context)
    with run.open() as vigility, named(feature_name="NAME"):
        chosen = vigility.maintenance.find_features(names or ())
        if matching is not None:
            every = vigility.maintenance.features()
            chosen += [use for use in every if fnmatchcase(use.feature, matching) and use not in chosen]
        if not chosen:
            show("No feature matches; nothing was changed.")
            return
        _preview(chosen)
        events = sum(use.events for use in chosen)
        what = f"{pluralize(len(chosen), 'feature')} and {pluralize(events, 'event')}"
        require_yes(f"Delete {what} from {run.database_name}?", yes=yes)
        with step_by_step(events, "deleted") as reached:
            deleted = vigility.maintenance.delete_features(
                [use.feature for use in chosen], on_progress=reached
            )
    show(f"{pluralize(len(chosen), 'feature')} and {pluralize(deleted, 'event')} deleted.")


@app.command(
    epilog=examples(
        "vigility features rename date_fliter date_filter",
        "vigility features rename date_fliter date_filter --merge",
    )
)
def rename(
    context: typer.Context,
    *,
    old: Annotated[str, typer.Argument(metavar="OLD", help="The feature.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    merge: Annotated[
        bool, typer.Option("--merge", help="If NEW exists, give it the events of OLD. Can't be undone.")
    ] = False,
) -> None:
    """Give a feature another name.

    A program that still tracks the old name makes a new feature of it.
    """
    run = run_context(context)
    with run.open() as vigility, named(feature_name="OLD", new_name="NEW"):
        (use,) = vigility.maintenance.find_features([old])
        with step_by_step(use.events, "moved") as reached:
            moved = vigility.maintenance.rename_feature(use.feature, new, merge=merge, on_progress=reached)
    done = f"{pluralize(moved, 'event')} moved" if moved else "Renamed"
    show(f"{done}: {visible(use.feature)} is now {visible(new)}.")


def _preview(features: Sequence[FeatureUse]) -> None:
    from vigility.cli.rendering.events import feature_lines

    for line in feature_lines(features[:SHOWN]):
        show(line)
    if len(features) > SHOWN:
        show(f"and {pluralize(len(features) - SHOWN, 'more feature')}")
