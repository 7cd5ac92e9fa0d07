"""Unpacks gzip, bzip2, xz, zstd and zip, never more than a chunk at a time, and names what cannot be read.

A small file can unpack to any size. So each piece is bounded here, and the length of a line in `records.py`.
"""

from __future__ import annotations

import sys
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from importlib import import_module
from pathlib import PurePosixPath
from typing import BinaryIO, Final, Protocol

from vigility.cli.errors import CommandError, UnreadableInput

CHUNK: Final = 1 << 18

# How many bytes tell the format: tar's name is the last, at 257.
START: Final = 262

# What a decompressor may remember of what it unpacked. `xz -9` and `zstd --ultra --long=27` need no more.
_MEMORY: Final = 160 << 20
_ZSTD_WINDOW_LOG: Final = 27

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_READABLE_IN_ZIP: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# What macOS and Office add beside the files or instead of them.
_MACOS_FOLDER: Final = "__MACOSX/"
_MACOS_FILE: Final = ".DS_Store"
_OF_DOCUMENTS: Final = frozenset({"[Content_Types].xml", "mimetype"})

_UNREADABLE: Final[tuple[tuple[bytes | tuple[bytes, ...], str], ...]] = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive: unpack it first"),
    (b"\x04\x22\x4d\x18", "compressed by lz4: unpack it first"),
    (b"\x02\x21\x4c\x18", "compressed by lz4: unpack it first"),
    (b"]\0\0", "compressed by lzma: unpack it first"),
    (b"LZIP\x01", "compressed by lzip: unpack it first"),
    (b"\xff\x06\0\0sNaPpY", "compressed by snappy: unpack it first"),
    ((b"\x78\x9c", b"\x78\xda"), "compressed by zlib: unpack it first"),
    (b"\x1f\x9d", "compressed by compress: unpack it first"),
    (b"PAR1", "a Parquet file: write CSV or JSON lines"),
    (b"Obj\x01", "an Avro file: write CSV or JSON lines"),
    (b"ARROW1\0\0", "an Arrow file: write CSV or JSON lines"),
    (b"%PDF-", "a PDF document: export the table as CSV"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook: save it as CSV"),
    (b"SQLite format 3\0", "an SQLite database"),
)


class Decompressor(Protocol):
    """What bz2, lzma and zstd have in common. A new one is needed for each member of a file."""

    @property
    def eof(self) -> bool: ...  # noqa: D102 - as in the documents of bz2

    @property
    def needs_input(self) -> bool: ...  # noqa: D102

    @property
    def unused_data(self) -> bytes: ...  # noqa: D102

    def decompress(self, data: bytes, max_length: int) -> bytes: ...  # noqa: D102


class _Gzip:
    """zlib's decompressor with the interface of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self._waiting = b""

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._waiting

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        unpacked = self._zlib.decompress(self._waiting + data, max_length)
        self._waiting = self._zlib.unconsumed_tail
        return unpacked


def _bzip2() -> Decompressor:
    from bz2 import BZ2Decompressor

    return BZ2Decompressor()


def _xz() -> Decompressor:
    from lzma import FORMAT_XZ, LZMADecompressor

    return LZMADecompressor(FORMAT_XZ, memlimit=_MEMORY)


def _zstd() -> Decompressor:
    zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    limit = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    made: Decompressor = zstd.ZstdDecompressor(options=limit)
    return made


# Frames without content, as pzstd writes before each other one.
_ZSTD_SKIPPED: Final = tuple(bytes([first]) + b"*M\x18" for first in range(0x50, 0x60))

_FORMATS: Final[tuple[tuple[bytes | tuple[bytes, ...], str, Callable[[], Decompressor]], ...]] = (
    (b"\x1f\x8b", "gzip", _Gzip),
    (b"BZh", "bzip2", _bzip2),
    (b"\xfd7zXZ\0", "xz", _xz),
    ((b"\x28\xb5\x2f\xfd", *_ZSTD_SKIPPED), "zstd", _zstd),
)


def is_zip(start: bytes) -> bool:
    """Whether a file that begins so is a zip archive."""
    return start.startswith(_ZIP)


def unpack(start: bytes, content: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield the content, unpacked if `start`, its beginning, is that of a compressed file."""
    for mark, label, new in _FORMATS:
        if start.startswith(mark):
            return _decompress(content, new, label, name)
    return content


def check_readable(start: bytes, name: str) -> None:
    """Raise UnreadableInput, which names the format, if a file that begins so holds no text."""
    for mark, what in _UNREADABLE:
        if start.startswith(mark):
            raise UnreadableInput(f"{name} is {what}")
    if start[257:262] == b"ustar":
        raise UnreadableInput(f"{name} is a tar archive: unpack it first")
    if any(start.startswith(mark) for mark, _, _ in _FORMATS) or is_zip(start):
        raise UnreadableInput(f"{name} is compressed twice: unpack it first")


def _decompress(
    compressed: Iterator[bytes], new: Callable[[], Decompressor], label: str, name: str
) -> Iterator[bytes]:
    """Unpack data of one or more members."""
    try:
        unfinished = yield from _members(compressed, new)
    except ImportError as error:
        how = "pip install 'vigility[zstd]', or unpack it first" if label == "zstd" else "unpack it first"
        raise UnreadableInput(f"{name} is compressed by {label}, which this Python lacks: {how}") from error
    except CommandError:
        raise
    except Exception as error:  # each library has errors of its own
        if "memory" in str(error).lower():
            raise UnreadableInput(f"{name} needs too much memory to be unpacked: unpack it first") from error
        raise UnreadableInput(f"{name} is damaged: its {label} data cannot be decompressed") from error
    if unfinished:
        raise UnreadableInput(f"{name} is truncated: it ends inside its {label} data")


def _members(compressed: Iterator[bytes], new: Callable[[], Decompressor]) -> Generator[bytes, None, bool]:
    """Yield the unpacked data; return whether the last member is incomplete."""
    member: Decompressor | None = None
    for chunk in compressed:
        rest = chunk
        while rest := rest if member else rest.lstrip(b"\0"):  # padding may follow a member
            member = member or new()
            yield from _all_of(member, rest)
            rest = member.unused_data if member.eof else b""
            member = None if member.eof else member
    return member is not None


def _all_of(member: Decompressor, data: bytes) -> Iterator[bytes]:
    """Yield what a member makes of some data, in bounded pieces."""
    waiting = data
    while True:
        if unpacked := member.decompress(waiting, CHUNK):
            yield unpacked
        waiting = b""
        if member.eof or member.needs_input:
            return


def zip_member(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield the content of the only file in a zip archive."""
    if not stream.seekable():
        raise UnreadableInput(f"{name} is a zip archive, which cannot be read from a pipe: give its path")
    try:
        with zipfile.ZipFile(stream) as archive, archive.open(_only_file(archive, name)) as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UnreadableInput(f"{name} is damaged or truncated: its zip data cannot be unpacked") from error


def _only_file(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    names = archive.namelist()
    if _OF_DOCUMENTS.intersection(names):
        raise UnreadableInput(f"{name} is a workbook or another document: save it as CSV")
    files = [info for info in archive.infolist() if not info.is_dir() and not _is_extra(info.filename)]
    if len(files) != 1:
        raise UnreadableInput(f"{name} is a zip archive of {len(files)} files: unpack it first")
    if files[0].flag_bits & 1:
        raise UnreadableInput(f"{name} is an encrypted zip archive: unpack it first")
    if files[0].compress_type not in _READABLE_IN_ZIP:
        raise UnreadableInput(f"{name} is a zip archive of a rare kind: unpack it first")
    return files[0]


def _is_extra(path: str) -> bool:
    return path.startswith(_MACOS_FOLDER) or PurePosixPath(path).name == _MACOS_FILE
