"""Files of users: CSV with the columns username, age, gender."""

from __future__ import annotations

from typing import Final

from vigility.cli.parsers.csv_rows import Columns, CsvRows, Row
from vigility.cli.parsers.parsed_file import ParsedFile, first_line
from vigility.cli.parsers.records import blocks, join_quoted, split_lines
from vigility.cli.parsers.source import Source

COLUMNS: Final = Columns(required=("username", "age", "gender"))


def read_users(source: Source) -> ParsedFile[Row]:
    """Read the rows of a file of users. Raises UnreadableInput if it has other columns."""
    lines = split_lines(source.chunks())
    number, header = first_line(lines)
    rows = CsvRows(COLUMNS, header, source.name)
    return ParsedFile(blocks(join_quoted(lines), number + 1), rows.parse, number + 1, header)
