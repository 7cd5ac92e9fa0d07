"""Output for machines: JSON and CSV, undecorated and the same on every terminal."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable
from typing import Final

from vigility.core.users.model import User
from vigility.core.reports.report import Report

# A spreadsheet runs a cell that begins so as a formula, full-width forms too in some countries
# (OWASP, "CSV Injection").
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def json_text(value: object) -> str:
    """JSON in one line; with escapes where stdout has no letters for the names."""
    ascii_only = (sys.stdout.encoding or "ascii").lower().replace("-", "") != "utf8"
    return json.dumps(value, ensure_ascii=ascii_only)


def user_json(user: User) -> dict[str, object]:
    """A user as `users list --json` tells it; never with the password's hash."""
    return {
        "id": user.id,
        "username": user.username,
        "age": user.age,
        "gender": user.gender.value,
        "created": user.created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "canLogIn": user.password_hash is not None,
    }


def report_csv(report: Report) -> str:
    """The features of a report, or the days of its feature where one was chosen."""
    if report.feature is None:
        return _csv(("feature", "count"), ((entry.feature, entry.count) for entry in report.features))
    return _csv(("date", "count"), ((entry.day.isoformat(), entry.count) for entry in report.days))


def _csv(header: tuple[str, str], rows: Iterable[tuple[str, int]]) -> str:
    text = io.StringIO()
    # Text is quoted always: in countries where the semicolon separates, one in a name would begin a cell.
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(header)
    writer.writerows((_no_formula(name), count) for name, count in rows)
    return text.getvalue().removesuffix("\n")


def _no_formula(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
