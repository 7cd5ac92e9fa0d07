"""Reads an input, unpacked and as UTF-8, whatever it is stored as."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from vigility.cli.errors import UnreadableInput
from vigility.cli.parsers.compression import CHUNK, START, check_readable, is_zip, unpack, zip_member
from vigility.cli.parsers.encodings import UTF_8, Encoding, encoding_of, to_utf_8

STDIN: Final = "-"


@dataclass(slots=True)
class Source:
    """An input while it is read.

    Attributes:
        name: the path, or `stdin`.
        size: in bytes as stored, or None if it is not known in advance.
        stream: the stored bytes.
        chosen_encoding: the encoding that the user named, if any.
        position: how many bytes were read so far, as stored: of a packed file, packed bytes.
        encoding: the encoding of the content. It is known once the first chunk is read.
    """

    name: str
    size: int | None
    stream: BinaryIO
    chosen_encoding: str | None = None
    position: int = 0
    encoding: Encoding = UTF_8

    def chunks(self) -> Iterator[bytes]:
        """Yield its content, unpacked, as UTF-8 and without a byte order mark. Raises UnreadableInput."""
        content = self._unpacked()
        start = _read_start(content)
        check_readable(start, self.name)
        self.encoding = encoding_of(start, self.chosen_encoding, self.name)
        content = _prepend(start.removeprefix(self.encoding.mark), content)
        return content if self.encoding.is_utf_8 else to_utf_8(content, self.encoding, self.name)

    def _unpacked(self) -> Iterator[bytes]:
        stored = self._stored()
        start = _read_start(stored)
        if is_zip(start):
            return self._positioned(zip_member(self.stream, self.name))
        return unpack(start, _prepend(start, stored), self.name)

    def _stored(self) -> Iterator[bytes]:
        try:
            while chunk := self._read():
                self.position += len(chunk)
                yield chunk
        except OSError as error:
            raise UnreadableInput(f"cannot read {self.name}: {error.strerror or error}") from error

    def _positioned(self, content: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in content:
            self.position = self.stream.tell()
            yield chunk

    def _read(self) -> bytes:
        # read1 returns what a pipe has; read would wait until the chunk is full.
        read1 = getattr(self.stream, "read1", self.stream.read)
        chunk: bytes = read1(CHUNK)
        return chunk


@contextmanager
def open_source(path: str, encoding: str | None = None) -> Iterator[Source]:
    """Open a file, or stdin for `-`. Raises UnreadableInput with the name and the reason."""
    if path == STDIN:
        yield Source("stdin", None, sys.stdin.buffer, encoding)
        return
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - closed below; only errors of opening are caught here
    except OSError as error:
        raise UnreadableInput(f"cannot read {path}: {error.strerror}") from error
    with stream:
        size = Path(path).stat().st_size  # 0 for a named pipe, as for an empty file
        yield Source(path, size or None, stream, encoding)


def _read_start(chunks: Iterator[bytes]) -> bytes:
    """Return enough of the beginning to recognize the format, or all if there is less."""
    start = b""
    while len(start) < START and (chunk := next(chunks, b"")):
        start += chunk
    return start


def _prepend(start: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if start:
        yield start
    yield from rest
