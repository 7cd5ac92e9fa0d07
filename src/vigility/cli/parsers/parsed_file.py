"""A file as numbered blocks of records, together with the function that parses a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from vigility.cli.parsers.parsed import Parsed
from vigility.cli.parsers.records import Block

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ParsedFile(Generic[T]):
    """The blocks of a file, the number of their first line, and the header if the file has one."""

    blocks: Iterator[Block]
    parse: Callable[[Block], Parsed[T]]
    first: int
    header: bytes | None = None


def first_line(lines: Iterator[bytes]) -> tuple[int, bytes]:
    """Return the number and the content of the first line that is not blank; empty if there is none."""
    number = 0
    for number, line in enumerate(lines, 1):
        if line and not line.isspace():
            return number, line
    return number + 1, b""
