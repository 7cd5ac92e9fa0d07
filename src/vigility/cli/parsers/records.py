"""Splits bytes into numbered records. A record is a line or, in CSV, several lines joined by quotes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice
from operator import methodcaller
from typing import Final

from vigility.cli.parsers.source import UnreadableInput
from vigility.core.events.tracking import BATCH_SIZE

# An event takes less than a kilobyte. Input with a longer line than this is not a file of lines, and must
# not fill the memory. Shorter lines are parsed, and can be rejected, like any other.
MAX_LINE: Final = 16 << 20

# No value may have a line break, so an unclosed quote is a mistake. After this many lines the search for
# its end stops, and only the line with the quote is invalid.
MAX_QUOTED_LINES: Final = 100

_line_breaks: Final[Callable[[bytes], int]] = methodcaller("count", b"\n")


@dataclass(frozen=True)
class Block:
    """Consecutive records, without their last line breaks. `first` is the number of the first line."""

    first: int
    records: list[bytes]

    @cached_property
    def lines(self) -> list[int]:
        """The number of the first line of each record."""
        lengths = (1 + breaks for breaks in map(_line_breaks, self.records))
        return list(accumulate(lengths, initial=self.first))[:-1]

    @property
    def last(self) -> int:
        """The number of the last line."""
        return self.first + len(self.records) - 1 + sum(map(_line_breaks, self.records))


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines without their line feeds. Raises UnreadableInput for a line longer than MAX_LINE."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
        if len(rest) > MAX_LINE:
            raise UnreadableInput(f"a line is longer than {MAX_LINE >> 20} MiB: this is not a file of lines")
    if rest:
        yield rest


def join_quoted(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield CSV records: lines, joined if the line break is inside quotes."""
    waiting: list[bytes] = []
    while True:
        line = waiting.pop(0) if waiting else next(lines, None)
        if line is None:
            return
        if line.count(b'"') % 2 == 0:
            yield line
            continue
        record, waiting = _until_closed(line, waiting, lines)
        yield record


def _until_closed(line: bytes, waiting: list[bytes], lines: Iterator[bytes]) -> tuple[bytes, list[bytes]]:
    """Return the record whose quote opens in `line`, and the lines that were read but are not part of it."""
    following = [*waiting, *islice(lines, max(0, MAX_QUOTED_LINES - len(waiting)))]
    for index, later in enumerate(following):
        if later.count(b'"') % 2:
            return b"\n".join([line, *following[: index + 1]]), following[index + 1 :]
    return line, following


def blocks(records: Iterator[bytes], first: int) -> Iterator[Block]:
    """Yield the records in blocks of the size of a batch, also those before a place that cannot be read."""
    failure: UnreadableInput | None = None
    while failure is None:
        gathered: list[bytes] = []
        try:
            for record in islice(records, BATCH_SIZE):
                gathered.append(record)  # noqa: PERF402 - list() would lose them if reading fails
        except UnreadableInput as error:
            failure = error
        if not gathered:
            break
        block = Block(first, gathered)
        first = block.last + 1
        yield block
    if failure:
        raise failure
