"""CSV as records: rows of cells, and the lines of each.

One parser decides where a record ends: the one that reads its cells. A quote opens a quoted cell only where
a cell begins, as in RFC 4180; anywhere else it is a part of the text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from vigility.cli.parsers.encodings import Encoding
from vigility.cli.parsers.records import Block, Lines
from vigility.core.events.tracking import BATCH_SIZE

_INVALID: Final = "is not well-formed CSV"

# What is wrong, by a part of the message of Python's parser. A quote that stays open meets any of these
# errors in a later line.
_UNCLOSED: Final = "unexpected end"
_REASONS: Final = {
    _UNCLOSED: "a quote is opened and not closed",
    "expected after": "a quoted value must end where its cell ends; a quote inside it is written twice",
    "field larger": "a value is too long, or a quote is opened and not closed",
    "new-line": "a value holds a carriage return",
}


@dataclass(frozen=True, slots=True)
class CsvBlock(Block):
    """Records with their cells. `invalid` maps the index of each invalid record to the reason."""

    rows: Sequence[Sequence[str]] = ()
    invalid: Mapping[int, str] = field(default_factory=dict)


class CsvReader:
    """Reads the records of a file, in blocks of the size of a batch."""

    def __init__(self, lines: Lines, delimiter: str, encoding: Encoding) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._encoding = encoding

    def header(self, first: int) -> CsvBlock:
        """The next record alone; `first` is the number of its line."""
        return self._carefully(self._lines.take(1), first)

    def blocks(self, first: int) -> Iterator[CsvBlock]:
        """Yield all further records; `first` is the number of the next line.

        Raises UnreadableInput after the records that come before the place that cannot be read.
        """
        while taken := self._lines.take(BATCH_SIZE):
            block = self._at_once(taken, first) or self._carefully(taken, first)
            first = block.last + 1
            yield block
        if self._lines.failure:
            raise self._lines.failure

    def _at_once(self, lines: list[bytes], first: int) -> CsvBlock | None:
        """The records, if each line is one. If there are as many, each is one: none has less than a line."""
        try:
            rows = list(csv.reader(map(bytes.decode, lines), delimiter=self._delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error):
            return None
        if len(rows) != len(lines):
            return None
        last = first + len(lines) - 1
        return CsvBlock(lines, range(first, last + 1), last, rows)

    def _carefully(self, lines: list[bytes], first: int) -> CsvBlock:
        """The records that begin in these lines, of which some are invalid or take several lines."""
        gathered = _Records(first, self._lines.line_break)
        size, start = len(lines), 0
        while start < size:
            start = self._gather(gathered, lines, start, size)
        self._lines.put_back(lines[start:])
        return gathered.block(first + start - 1)

    def _gather(self, gathered: _Records, lines: list[bytes], start: int, size: int) -> int:
        """Read records until one is invalid; return the index of the line where the next one begins.

        Of an invalid record only the first line is given up: where it really ends, nobody knows.
        """
        decoded = _Decoded(lines, start, self._lines)
        begin = start
        try:
            for row in csv.reader(decoded, delimiter=self._delimiter, strict=True):
                end = decoded.position
                invalid = decoded.undecodable and decoded.undecodable.intersection(range(begin, end))
                gathered.add(lines[begin:end], row, self._encoding.invalid if invalid else None)
                begin = end
                if begin >= size:
                    break
        except csv.Error as error:
            message = _UNCLOSED if decoded.position > begin + 1 else str(error)
            gathered.add([lines[begin]], (), _reason(message))
            begin += 1
        return begin


@dataclass(slots=True)
class _Records:
    """Gathers the records of a block."""

    next_line: int
    line_break: bytes
    records: list[bytes] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    rows: list[Sequence[str]] = field(default_factory=list)
    invalid: dict[int, str] = field(default_factory=dict)

    def add(self, lines: Sequence[bytes], row: Sequence[str], reason: str | None) -> None:
        if reason is not None:
            self.invalid[len(self.records)] = reason
        self.records.append(lines[0] if len(lines) == 1 else self.line_break.join(lines))
        self.starts.append(self.next_line)
        self.rows.append(row)
        self.next_line += len(lines)

    def block(self, last: int) -> CsvBlock:
        return CsvBlock(self.records, self.starts, last, self.rows, self.invalid)


class _Decoded:
    """The text of lines, from one on, with their breaks. Reads further lines if the last record goes on.

    `position` is the index behind the last line that was read; `undecodable` has the indexes of the lines
    that are not UTF-8.
    """

    def __init__(self, lines: list[bytes], position: int, further: Lines) -> None:
        self.position = position
        self.undecodable: set[int] = set()
        self._lines = lines
        self._further = further
        self._line_break = further.line_break.decode()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.position == len(self._lines):
            self._lines += self._further.take(1)
        if self.position == len(self._lines):
            raise StopIteration
        line = self._lines[self.position]
        self.position += 1
        try:
            return line.decode() + self._line_break
        except UnicodeDecodeError:
            self.undecodable.add(self.position - 1)
            return line.decode(errors="surrogateescape") + self._line_break


def _reason(message: str) -> str:
    return next((f"{_INVALID}: {why}" for part, why in _REASONS.items() if part in message), _INVALID)
