"""Reads bytes from a file or stdin, and decompresses them if they are gzip."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from vigility.cli.errors import CommandError

STDIN: Final = "-"
CHUNK: Final = 1 << 18

_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"


class UnreadableInput(CommandError):
    """The input cannot be read any further."""


@dataclass(slots=True)
class Source:
    """An input while it is read. `size` is in bytes as stored, or None if it is not known in advance."""

    name: str
    size: int | None
    stream: BinaryIO
    position: int = 0
    """The number of bytes read so far, as stored: of a gzip file, compressed bytes."""

    def chunks(self) -> Iterator[bytes]:
        """Yield its content, decompressed and without a byte order mark."""
        stored = self._stored()
        start = _read_start(stored)
        content = _prepend(start, stored)
        if start.startswith(_GZIP):
            content = _decompress(content, self.name)
        start = _read_start(content)
        yield start.removeprefix(_BOM)
        yield from content

    def _stored(self) -> Iterator[bytes]:
        try:
            while chunk := self._read():
                self.position += len(chunk)
                yield chunk
        except OSError as error:
            raise UnreadableInput(f"cannot read {self.name}: {error.strerror or error}") from error

    def _read(self) -> bytes:
        # read1 returns what a pipe has; read would wait until the chunk is full.
        read1 = getattr(self.stream, "read1", self.stream.read)
        chunk: bytes = read1(CHUNK)
        return chunk


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """Open a file, or stdin for `-`. Raises UnreadableInput with the name and the reason."""
    if path == STDIN:
        yield Source("stdin", None, sys.stdin.buffer)
        return
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - closed below; only errors of opening are caught here
    except OSError as error:
        raise UnreadableInput(f"cannot read {path}: {error.strerror}") from error
    with stream:
        size = Path(path).stat().st_size  # 0 for a named pipe, as for an empty file
        yield Source(path, size or None, stream)


def _read_start(chunks: Iterator[bytes]) -> bytes:
    """Return enough of the beginning to recognize the format, or all if there is less."""
    start = b""
    while len(start) < len(_BOM) and (chunk := next(chunks, b"")):
        start += chunk
    return start


def _prepend(start: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if start:
        yield start
    yield from rest


def _decompress(compressed: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Decompress gzip data of one or more members, at most a chunk at a time."""
    try:
        unfinished = yield from _members(compressed)
    except zlib.error as error:
        raise UnreadableInput(f"{name} is damaged: its gzip data cannot be decompressed") from error
    if unfinished:
        raise UnreadableInput(f"{name} is truncated: it ends inside its gzip data")


def _members(compressed: Iterator[bytes]) -> Generator[bytes, None, bool]:
    """Yield the decompressed data; return whether the last member is incomplete."""
    member = None
    for chunk in compressed:
        rest = chunk
        while rest := rest if member else rest.lstrip(b"\0"):  # padding may follow a member
            member = member or zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            # The size is limited: a chunk of zeros decompresses to a thousand times its size.
            if data := member.decompress(rest, CHUNK):
                yield data
            rest = member.unused_data if member.eof else member.unconsumed_tail
            member = None if member.eof else member
    return member is not None
