"""Files of users: CSV with the columns username, age, gender."""

from __future__ import annotations

from typing import Final

from vigility.cli.reading.csv_rows import Columns, CsvRows, Row
from vigility.cli.reading.numbered import Numbered, first_line
from vigility.cli.reading.records import blocks, join_quoted, split_lines
from vigility.cli.reading.source import Source

COLUMNS: Final = Columns(required=("username", "age", "gender"))


def read_users(source: Source) -> Numbered[Row]:
    """The rows of a file of users. Raises UnreadableInput where its columns are others."""
    lines = split_lines(source.chunks())
    number, header = first_line(lines)
    rows = CsvRows(COLUMNS, header, source.name)
    return Numbered(blocks(join_quoted(lines), number + 1), rows.parse, number + 1, header)
