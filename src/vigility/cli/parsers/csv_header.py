"""The header of a CSV file: which columns there are, in which order, and what separates them."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vigility.cli.errors import UnreadableInput
from vigility.cli.parsers.csv_records import CsvReader
from vigility.cli.parsers.encodings import Encoding
from vigility.cli.parsers.records import Lines

# What programs put between cells: Excel a semicolon where the comma is the decimal point.
_DELIMITERS: Final = (",", ";", "\t", "|")

# A header may take several lines if its names are quoted. More are no header.
_INSPECTED: Final = 20

# Excel's own line before the header: what separates the cells.
_EXCEL: Final = re.compile(rb'\s*"?sep=([\x01-\x7f])"?\s*', re.IGNORECASE)

_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a kind of file. The optional ones come last, also in rows."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """The names of all columns."""
        return self.required + self.optional

    def renamed(self, names: Mapping[str, str]) -> Columns:
        """The same columns under the names that a file has for them, as far as they are in `names`."""
        return Columns(
            tuple(names.get(column, column) for column in self.required),
            tuple(names.get(column, column) for column in self.optional),
        )

    def describe(self) -> str:
        """List the names for an error message."""
        names = ", ".join(self.required)
        return f"{names} and optionally {', '.join(self.optional)}" if self.optional else names


@dataclass(frozen=True, slots=True)
class Header:
    """The names of the columns of a file, and what is known of them.

    Attributes:
        names: as the file has them.
        positions: for each column of `Columns.all` its index, or None if the file lacks it.
        ignored: the names that are none of those columns.
        text: the bytes of the header, in UTF-8.
        next_line: the number of the line behind it.
    """

    names: Sequence[str]
    positions: Sequence[int | None]
    ignored: Sequence[str]
    text: bytes
    next_line: int


@dataclass(frozen=True, slots=True)
class HeaderReader:
    """Reads the header of one file.

    Attributes:
        columns: under the names that the file has for them. Capitals and spaces around them do not matter.
        name: what errors call the file.
        encoding: of the file.
    """

    columns: Columns
    name: str
    encoding: Encoding

    def read(self, lines: Lines, number: int) -> tuple[Header, CsvReader]:
        """Read the header in line `number`, which comes next; return it, and the reader of what follows.

        Raises UnreadableInput if this is no header of such a file; then nothing is taken from `lines`.
        """
        ahead = lines.take(_INSPECTED)
        lines.put_back(ahead)
        excel = _EXCEL.fullmatch(ahead[0]) if ahead else None
        tried = (excel[1].decode(),) if excel else _DELIMITERS
        texts = [(line + lines.line_break).decode(errors="replace") for line in ahead[bool(excel) :]]
        delimiter = max(tried, key=lambda delimiter: len(self._found(texts, delimiter)))
        self._check(self._found(texts, delimiter), ahead[0] if ahead else b"")
        lines.skip(int(bool(excel)))
        reader = CsvReader(lines, delimiter, self.encoding)
        return self._header(reader, number + bool(excel)), reader

    def _found(self, texts: Sequence[str], delimiter: str) -> Sequence[str]:
        """The columns that the first record of these lines has, each as often as it is there."""
        wanted = set(map(_folded, self.columns.all))
        try:
            cells = next(csv.reader(texts, delimiter=delimiter, strict=True), [])
        except csv.Error:
            return ()
        return [folded for folded in map(_folded, cells) if folded in wanted]

    def _check(self, found: Sequence[str], line: bytes) -> None:
        shown = ascii(line[:_SHOWN].decode(errors="replace").rstrip("\r"))[:_SHOWN]
        message = f"{self.name} does not begin with the columns {self.columns.describe()}, but with {shown}"
        for column in self.columns.all:
            if found.count(_folded(column)) > 1:
                raise UnreadableInput(f"{message}: {column} is there twice")
            if column in self.columns.required and _folded(column) not in found:
                hint = f": {column} is missing; if it has another name, use --map" if found else ""
                raise UnreadableInput(message + hint)

    def _header(self, reader: CsvReader, number: int) -> Header:
        block = reader.header(number)
        if block.invalid:
            raise UnreadableInput(f"{self.name}, line {number}: {block.invalid[0]}")
        names = [cell.strip() for cell in block.rows[0]]
        folded = list(map(_folded, names))
        wanted = list(map(_folded, self.columns.all))
        positions = [folded.index(column) if column in folded else None for column in wanted]
        ignored = [name for name in names if name and _folded(name) not in wanted]
        return Header(names, positions, ignored, block.records[0], block.last + 1)


def _folded(name: str) -> str:
    return name.strip().casefold()
