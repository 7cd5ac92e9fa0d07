"""Output for machines: JSON and CSV, without colours and the same on every terminal."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable
from typing import Final

from vigility.core.reports.ports import FeatureUse
from vigility.core.reports.report import Report
from vigility.core.users.model import User

# Spreadsheets run cells that begin with these characters as formulas. In some countries that includes the
# full-width forms (OWASP, "CSV Injection").
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def json_text(value: object) -> str:
    """Return JSON on one line, with escapes if stdout is not UTF-8."""
    ascii_only = (sys.stdout.encoding or "ascii").lower().replace("-", "") != "utf8"
    return json.dumps(value, ensure_ascii=ascii_only)


def user_json(user: User) -> dict[str, object]:
    """Return a user as `users list --json` shows it; never with the hash of the password."""
    return {
        "id": user.id,
        "username": user.username,
        "age": user.age,
        "gender": user.gender.value,
        "created": user.created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "canLogIn": user.password_hash is not None,
    }


def feature_json(use: FeatureUse) -> dict[str, object]:
    """Return a feature as `features list --json` shows it. A day is null if there is no event."""
    first, last = (None if day is None else day.isoformat() for day in (use.first_day, use.last_day))
    return {"feature": use.feature, "events": use.events, "firstDay": first, "lastDay": last}


def report_json(report: Report) -> str:
    """Return a report as JSON, the same as GET /analytics."""
    from vigility.web.api.report_json import to_dict

    return json_text(to_dict(report))


def report_csv(report: Report) -> str:
    """Return the features of a report as CSV or, if a feature was chosen, the days of that feature."""
    if not report.series:
        return _csv(("feature", "count"), ((total.label, total.value) for total in report.totals))
    points = report.series[0].points
    return _csv(("date", "count"), ((point.start.isoformat(), point.value) for point in points))


def _csv(header: tuple[str, str], rows: Iterable[tuple[str, int]]) -> str:
    text = io.StringIO()
    # Text is always quoted: in countries where the semicolon is the separator, one in a name would start
    # a new cell.
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(header)
    writer.writerows((_no_formula(name), count) for name, count in rows)
    return text.getvalue().removesuffix("\n")


def _no_formula(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
