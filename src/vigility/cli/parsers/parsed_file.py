"""Numbered blocks of records together with what parses them: what every kind of file is read as."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from vigility.cli.parsers.parsed import Parsed
from vigility.cli.parsers.records import Block

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ParsedFile(Generic[T]):
    """Blocks to be parsed, the first line among them, and the header without which none can be read."""

    blocks: Iterator[Block]
    parse: Callable[[Block], Parsed[T]]
    first: int
    header: bytes | None = None


def first_line(lines: Iterator[bytes]) -> tuple[int, bytes]:
    """The first line that is not blank, and its number; an empty one where all are."""
    number = 0
    for number, line in enumerate(lines, 1):
        if line and not line.isspace():
            return number, line
    return number + 1, b""
