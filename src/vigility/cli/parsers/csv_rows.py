"""The rows of a CSV file below its header: the values of its columns, in our order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

from vigility.cli.parsers.csv_header import Header
from vigility.cli.parsers.csv_records import CsvBlock
from vigility.cli.parsers.parsed import Parsed

Row = tuple[str, ...]


class CsvRows:
    """Picks the values of each row, in the order of `Columns.all`; empty for a column that is missing."""

    def __init__(self, header: Header) -> None:
        self._names = header.names
        self._positions = header.positions

    def parse(self, block: CsvBlock) -> Parsed[Row]:
        """Pick the values of all rows at once if all are valid, otherwise one by one."""
        rows = block.rows
        if block.invalid or set(map(len, rows)) != {len(self._names)}:
            return self._one_by_one(block)
        cells = list(zip(*rows, strict=True))
        columns = [repeat("") if position is None else cells[position] for position in self._positions]
        if "" in columns[0]:  # a value that is required, or a row of empty cells
            return self._one_by_one(block)
        return Parsed(list(zip(*columns, strict=False)), range(len(rows)))  # repeat() has no end

    def _one_by_one(self, block: CsvBlock) -> Parsed[Row]:
        picked: list[Row] = []
        indexes: list[int] = []
        invalid = dict(block.invalid)
        for index, row in enumerate(block.rows):
            if index in invalid or _is_blank(row):
                continue
            if len(row) != len(self._names):
                names = ", ".join(self._names)
                invalid[index] = f"has {len(row)} columns, not {len(self._names)} ({names})"
                continue
            picked.append(tuple("" if at is None else row[at] for at in self._positions))
            indexes.append(index)
        return Parsed(picked, indexes, invalid)


def _is_blank(row: Sequence[str]) -> bool:
    """Whether it is a blank line, or a row of empty cells, as spreadsheets write below a table."""
    return not any(row) or (len(row) == 1 and row[0].isspace())
