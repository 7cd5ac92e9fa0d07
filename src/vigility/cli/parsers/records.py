"""Splits bytes into lines, and gathers records in numbered blocks. In JSON lines, a record is a line."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from vigility.cli.errors import UnreadableInput
from vigility.core.events.tracking import BATCH_SIZE

# An event takes less than a kilobyte. Input with a longer line than this is not a file of lines, and must
# not fill the memory. Shorter lines are parsed, and can be rejected, like any other.
MAX_LINE: Final = 16 << 20

LF: Final = b"\n"
CR: Final = b"\r"


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive records, without their last line breaks.

    `lines` has the number of the first line of each record, `last` the number of the last line of all.
    """

    records: Sequence[bytes]
    lines: Sequence[int]
    last: int

    @property
    def first(self) -> int:
        """The number of the first line."""
        return self.lines[0]

    def last_line_of(self, index: int) -> int:
        """The number of the last line of a record."""
        return self.last if index + 1 == len(self.lines) else self.lines[index + 1] - 1


class Lines:
    """The lines of an input, one after another, and how they end.

    Attributes:
        line_break: what ends each line. It is a carriage return in files of the classic Mac OS, which some
            programs still write; one before a line feed is left at the end of its line.
        failure: why no line follows, if the input could not be read to its end.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        """Reads until the first line break. Raises UnreadableInput."""
        start = _until_line_break(chunks)
        self.line_break = CR if _ends_lines_by_cr(start) else LF
        self.failure: UnreadableInput | None = None
        self._ahead: deque[bytes] = deque()
        self._rest = split_lines(chain([start], chunks), self.line_break)

    def take(self, number: int) -> list[bytes]:
        """The next lines, fewer at the end. If reading fails, those before the failure, which is kept."""
        taken = [self._ahead.popleft() for _ in range(min(number, len(self._ahead)))]
        try:
            for line in islice(self._rest, number - len(taken)):
                taken.append(line)  # noqa: PERF402 - list() would lose them if reading fails
        except UnreadableInput as failure:
            self.failure = failure
        return taken

    def put_back(self, lines: Iterable[bytes]) -> None:
        """Let these lines come next. They are those that were taken last."""
        self._ahead.extendleft(reversed(list(lines)))

    def skip(self, number: int) -> None:
        """Leave out the next lines."""
        while number > 0 and (skipped := self.take(min(number, BATCH_SIZE))):
            number -= len(skipped)


def first_line(lines: Lines) -> tuple[int, bytes]:
    """Return the number and the content of the first line that is not blank, which comes next then.

    The content is empty if there is none.
    """
    number = 1
    while taken := lines.take(1):
        if taken[0] and not taken[0].isspace():
            lines.put_back(taken)
            return number, taken[0]
        number += 1
    return number, b""


def split_lines(chunks: Iterable[bytes], line_break: bytes = LF) -> Iterator[bytes]:
    """Yield the lines without their breaks. Raises UnreadableInput for a line longer than MAX_LINE."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(line_break)
        yield from whole
        if len(rest) > MAX_LINE:
            raise UnreadableInput(f"a line is longer than {MAX_LINE >> 20} MiB: this is not a file of lines")
    if rest:
        yield rest


def line_blocks(lines: Lines, first: int) -> Iterator[Block]:
    """Yield the lines in blocks of the size of a batch, also those before a place that cannot be read."""
    while taken := lines.take(BATCH_SIZE):
        last = first + len(taken) - 1
        yield Block(taken, range(first, last + 1), last)
        first = last + 1
    if lines.failure:
        raise lines.failure


def _until_line_break(chunks: Iterator[bytes]) -> bytes:
    parts: list[bytes] = []
    length = 0
    for chunk in chunks:
        parts.append(chunk)
        length += len(chunk)
        # A carriage return that comes last may be the first half of a line break.
        ends = parts[-2].endswith(CR) if len(parts) > 1 else False
        if LF in chunk or ends or CR in chunk[:-1] or length > MAX_LINE:
            break
    return b"".join(parts)


def _ends_lines_by_cr(start: bytes) -> bool:
    """Whether the first line ends with a carriage return, and no line feed follows."""
    line, _, _ = start.partition(LF)
    return CR in line.rstrip(CR) or (LF not in start and CR in start)
