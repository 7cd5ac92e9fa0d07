"""Where the bytes come from: a file or stdin, gzip unpacked wherever the content is gzip."""

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
    """The input cannot be read from here on."""


@dataclass(slots=True)
class Source:
    """An input being read. `size` is in bytes as stored, None where it is not known before the end."""

    name: str
    size: int | None
    stream: BinaryIO
    position: int = 0
    """Bytes of it that were read, as stored: of a gzip file, of the packed ones."""

    def chunks(self) -> Iterator[bytes]:
        """Its content, unpacked, without a byte order mark."""
        stored = self._stored()
        start = _longer_start(stored)
        content = _chained(start, stored)
        if start.startswith(_GZIP):
            content = _inflated(content, self.name)
        start = _longer_start(content)
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
        # read1 hands out what a pipe has; read would wait until the chunk is full.
        read1 = getattr(self.stream, "read1", self.stream.read)
        chunk: bytes = read1(CHUNK)
        return chunk


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """Open a file, or stdin for `-`. Raises UnreadableInput, naming it and why."""
    if path == STDIN:
        yield Source("stdin", None, sys.stdin.buffer)
        return
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - closed below; only opening is to be caught
    except OSError as error:
        raise UnreadableInput(f"cannot read {path}: {error.strerror}") from error
    with stream:
        size = Path(path).stat().st_size  # 0 for a named pipe, as for an empty file
        yield Source(path, size or None, stream)


def _longer_start(chunks: Iterator[bytes]) -> bytes:
    """Enough of the beginning to tell what it is, or all there is."""
    start = b""
    while len(start) < len(_BOM) and (chunk := next(chunks, b"")):
        start += chunk
    return start


def _chained(start: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if start:
        yield start
    yield from rest


def _inflated(packed: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Unpack gzip, also of several members one behind the other; never more than a chunk at a time."""
    try:
        unfinished = yield from _members(packed)
    except zlib.error as error:
        raise UnreadableInput(f"{name} is damaged: its gzip data cannot be unpacked") from error
    if unfinished:
        raise UnreadableInput(f"{name} is cut off: it ends inside its gzip data")


def _members(packed: Iterator[bytes]) -> Generator[bytes, None, bool]:
    """Yields what is unpacked; returns whether the last member lacks its end."""
    member = None
    for chunk in packed:
        rest = chunk
        while rest := rest if member else rest.lstrip(b"\0"):  # padding may follow a member
            member = member or zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            # Bounded: a chunk of zeros unpacks to a thousand times its size.
            if plain := member.decompress(rest, CHUNK):
                yield plain
            rest = member.unused_data if member.eof else member.unconsumed_tail
            member = None if member.eof else member
    return member is not None
