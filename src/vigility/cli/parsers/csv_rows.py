"""CSV: a header with the names of the columns, then rows with as many cells."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from vigility.cli.parsers.parsed import InvalidRecord, Parsed
from vigility.cli.parsers.records import Block
from vigility.cli.parsers.source import UnreadableInput

NOT_UTF_8: Final = "is not valid UTF-8"

_SHOWN: Final = 60

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a kind of file. The optional ones come last, also in rows."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    def describe(self) -> str:
        """List the names for an error message."""
        names = ", ".join(self.required)
        return f"{names} and optionally {', '.join(self.optional)}" if self.optional else names


class CsvRows:
    """Parses the rows below a header. Each row has its values in the order of `columns`."""

    def __init__(self, columns: Columns, header: bytes, name: str) -> None:
        self._names = _header_names(columns, header, name)
        positions = {column: index for index, column in enumerate(self._names)}
        # A missing column is read from the empty cell that is appended to each row.
        self._pick = itemgetter(
            *(positions.get(column, len(self._names)) for column in columns.required + columns.optional)
        )

    def parse(self, block: Block) -> Parsed[Row]:
        """Parse the rows of a block: all at once if all are valid, otherwise one by one."""
        try:
            rows = list(csv.reader([record.decode() for record in block.records], strict=True))
        except (UnicodeDecodeError, csv.Error):
            return self._one_by_one(block)
        if len(rows) != len(block.records) or set(map(len, rows)) != {len(self._names)}:
            return self._one_by_one(block)
        return Parsed([self._pick((*row, "")) for row in rows], range(len(rows)))

    def _one_by_one(self, block: Block) -> Parsed[Row]:
        rows: list[Row] = []
        indexes: list[int] = []
        invalid: dict[int, str] = {}
        for index, record in enumerate(block.records):
            try:
                if not record.isspace() and record:
                    rows.append(self._row(record))
                    indexes.append(index)
            except InvalidRecord as error:
                invalid[index] = str(error)
        return Parsed(rows, indexes, invalid)

    def _row(self, record: bytes) -> Row:
        cells = _cells(record)
        if len(cells) != len(self._names):
            raise InvalidRecord(
                f"has {len(cells)} columns, not {len(self._names)} ({', '.join(self._names)})"
            )
        row: Row = self._pick((*cells, ""))
        return row


def _cells(record: bytes) -> list[str]:
    try:
        return next(csv.reader([record.decode()], strict=True), [])
    except UnicodeDecodeError:
        raise InvalidRecord(NOT_UTF_8) from None
    except csv.Error:
        raise InvalidRecord("is not well-formed CSV: check its quotes and the length of its values") from None


def _header_names(columns: Columns, header: bytes, name: str) -> Sequence[str]:
    try:
        names = [cell.strip() for cell in _cells(header)]
    except InvalidRecord:
        names = []
    known = columns.required + columns.optional
    if set(columns.required) <= set(names) <= set(known) and len(set(names)) == len(names):
        return names
    shown = ascii(header[:_SHOWN].decode(errors="replace").rstrip("\r"))[:_SHOWN]
    raise UnreadableInput(f"{name} does not begin with the columns {columns.describe()}, but with {shown}")
