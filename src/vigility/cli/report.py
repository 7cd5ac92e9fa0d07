"""`vigility report`: how often each feature was used, as a table, JSON, CSV or charts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from vigility.cli.completion import age_groups, genders
from vigility.cli.console import log, show
from vigility.cli.context import RunContext, run_context
from vigility.cli.errors import UsageError, named
from vigility.cli.help import examples
from vigility.cli.pluralize import pluralize
from vigility.core.events.model import NewEvent
from vigility.core.reports.filters import Filters
from vigility.core.reports.query import Query
from vigility.core.reports.report import Report
from vigility.core.service import Vigility
from vigility.core.validators import feature_forms

Start = Annotated[str | None, typer.Option(metavar="DAY", help="First day (UTC), as 2026-01-31.")]
End = Annotated[str | None, typer.Option(metavar="DAY", help="Last day (UTC), inclusive.")]
Ages = Annotated[
    str | None,
    typer.Option("--age-group", metavar="AGES", autocompletion=age_groups, help='"<18", "18-40" or ">40".'),
]
OfGender = Annotated[
    str | None,
    typer.Option("--gender", metavar="GENDER", autocompletion=genders, help="Male, Female or Other."),
]
Feature = Annotated[
    str | None, typer.Option(metavar="NAME", help="Also show the days of this feature (in CSV: only these).")
]
Top = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Show the N most used features, and the others as one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, the same as GET /analytics.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
Png = Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the charts to this file, as PNG.")]
Svg = Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the charts to this file, as SVG.")]
AsUser = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="First track the filters and exports as used by this user."),
]

Charts = dict[Literal["png", "svg"], Path]


EXAMPLES = examples(
    "vigility report",
    "vigility report --start 2026-01-01 --end 2026-01-31 --gender Female",
    'vigility report --age-group "<18" --feature date_filter --png charts.png',
    "vigility report --top 10",
    "vigility report --json | jq .barChartData",
)


def report(  # noqa: PLR0913 - a command has as many parameters as options
    context: typer.Context,
    *,
    start: Start = None,
    end: End = None,
    age_group: Ages = None,
    gender: OfGender = None,
    feature: Feature = None,
    top: Top = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    png: Png = None,
    svg: Svg = None,
    as_user: AsUser = None,
) -> None:
    """Show how often each feature was used. With --feature, also show the days of that feature."""
    if as_json and as_csv:
        raise UsageError("--json and --csv cannot be combined")
    with named(feature_name="--feature"):
        filters = Filters(start, end, age_group, gender)
        chosen = feature_forms(feature)[0] if feature else None
    charts: Charts = {"png": png} if png else {}
    charts |= {"svg": svg} if svg else {}
    if png and svg and png.absolute() == svg.absolute():
        raise UsageError("--png and --svg must be different files")
    run = run_context(context)
    for kind, path in charts.items():
        run.forbid_overwriting(path)
        _check_suffix(kind, path)
    with run.open_for_tracking() if as_user else run.open() as vigility:
        for path in charts.values():
            run.forbid_overwriting(path)
        if as_user is not None:
            _track_own_use(vigility, as_user, filters, exported=bool(as_json or as_csv or charts))
        series_of = () if chosen is None else (chosen,)
        result = vigility.report(query=Query(filters=filters, series_of=series_of, limit=top))
        holds_events = bool(result.total or vigility.report(query=Query(limit=1)).total)
    _show(result, run, as_json=as_json, as_csv=as_csv, holds_events=holds_events)
    _save_charts(result, charts)


def _check_suffix(kind: Literal["png", "svg"], path: Path) -> None:
    """Refuse a name that promises another format; one without a suffix promises none."""
    if path.suffix and path.suffix.lower() != f".{kind}":
        possible = "--png FILE.png and --svg FILE.svg are possible"
        raise UsageError(f"--{kind} cannot write a file that ends with {path.suffix}: {possible}")


def _track_own_use(vigility: Vigility, username: str, filters: Filters, *, exported: bool) -> None:
    """Track what the dashboard would track: all of it or nothing."""
    used = {
        "date_filter": filters.start is not None or filters.end is not None,
        "age_filter": filters.age_group is not None,
        "gender_filter": filters.gender is not None,
        "export_data": exported,
    }
    with named(username="--as"):
        outcome = vigility.track_many([NewEvent(username, feature) for feature, was in used.items() if was])
        for rejected in outcome.rejected:
            raise rejected.error


def _show(result: Report, run: RunContext, *, as_json: bool, as_csv: bool, holds_events: bool) -> None:
    if as_json or as_csv:
        from vigility.cli.rendering.machine import report_csv, report_json

        show(report_json(result) if as_json else report_csv(result))
        if as_csv and not result.series and result.rest:
            groups, value = result.rest
            log(f"Not shown: {pluralize(groups, 'other feature')} with {pluralize(value, 'event')} (--top)")
    elif result.total:
        from vigility.cli.rendering.report import report_view
        from vigility.cli.rendering.terminal import standard_output

        standard_output().print(*report_view(result), sep="\n")
    elif holds_events:
        show(f"No events under these filters: {result.filters.describe()}.")
        show(f"To see all: {run.command} report")
    else:
        show(f"{run.database_name} has no events yet.")
        show(f"To track one: {run.command} track --help. To try a demo: {run.command} seed")


def _save_charts(result: Report, charts: Charts) -> None:
    if not charts:
        return
    from vigility.charts import save_charts

    for kind, path in charts.items():
        save_charts(result, path, kind)
        log(f"Charts written to {path}")
