"""Files of users: CSV with the columns username, age, gender."""

from __future__ import annotations

from typing import Final

from vigility.cli.parsers.csv_file import CsvFile
from vigility.cli.parsers.csv_header import Columns
from vigility.cli.parsers.csv_rows import Row
from vigility.cli.parsers.parsed_file import FileOptions, ParsedFile
from vigility.cli.parsers.records import Lines, first_line
from vigility.cli.parsers.source import Source

COLUMNS: Final = Columns(required=("username", "age", "gender"))


def read_users(source: Source, options: FileOptions) -> ParsedFile[Row]:
    """Read the rows of a file of users. Raises UnreadableInput if it lacks one of the columns."""
    lines = Lines(source.chunks())
    number, _ = first_line(lines)
    return CsvFile(source, COLUMNS, options).read(lines, number)
