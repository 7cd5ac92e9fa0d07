"""A CSV file with a header, from its lines to the values of its rows."""

from __future__ import annotations

from vigility.cli.parsers.csv_header import Columns, HeaderReader
from vigility.cli.parsers.csv_rows import CsvRows, Row
from vigility.cli.parsers.parsed_file import FileForm, FileOptions, ParsedFile
from vigility.cli.parsers.records import Lines
from vigility.cli.parsers.source import Source


class CsvFile:
    """A source that should have these columns."""

    def __init__(self, source: Source, columns: Columns, options: FileOptions) -> None:
        self._encoding = source.encoding
        self._header = HeaderReader(columns.renamed(options.names), source.name, source.encoding)

    def read(self, lines: Lines, number: int, from_line: int = 1) -> ParsedFile[Row]:
        """Read the rows below the header, which is in line `number`; those from `from_line` on.

        Raises UnreadableInput if it is no header with these columns. Then nothing is taken from `lines`.
        """
        header, reader = self._header.read(lines, number)
        first = max(from_line, header.next_line)
        lines.skip(first - header.next_line)
        rows = CsvRows(header)
        batches = ((block, rows.parse(block)) for block in reader.blocks(first))
        form = FileForm(header.text, lines.line_break, self._encoding)
        return ParsedFile(batches, first, form, header.ignored)
