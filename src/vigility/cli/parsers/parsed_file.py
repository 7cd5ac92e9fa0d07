"""A file as numbered blocks of records and what was parsed from each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from vigility.cli.parsers.encodings import UTF_8, Encoding
from vigility.cli.parsers.parsed import Parsed
from vigility.cli.parsers.records import LF, Block

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How the user wants files to be read.

    Attributes:
        encoding: the encoding of each file, if not UTF-8 and not told by a byte order mark.
        names: the file's name of a column or key, by ours: `{"username": "user_id"}`.
        ignore_unknown: whether objects may have further keys.
    """

    encoding: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    ignore_unknown: bool = False


@dataclass(frozen=True, slots=True)
class FileForm:
    """What makes records of a file a file again.

    Attributes:
        header: the line or lines with the names of the columns, in UTF-8, if there are any.
        line_break: what ends each line, in UTF-8.
        encoding: what the file is encoded in.
    """

    header: bytes | None = None
    line_break: bytes = LF
    encoding: Encoding = UTF_8

    @property
    def beginning(self) -> bytes:
        """How a file of this form begins, in its encoding."""
        header = b"" if self.header is None else self.stored(self.header)
        return (b"" if self.encoding.is_utf_8 else self.encoding.mark) + header

    def stored(self, record: bytes) -> bytes:
        """The bytes of a record and its line break, in the encoding of the file."""
        return self.encoding.encode(record + self.line_break)


@dataclass(frozen=True, slots=True)
class ParsedFile(Generic[T]):
    """A file that is being read.

    Attributes:
        batches: each block of records, and what was parsed from it.
        first: the number of the first line that is read.
        form: what makes records a file again.
        ignored: the names of the columns or keys that have no meaning here.
    """

    batches: Iterator[tuple[Block, Parsed[T]]]
    first: int
    form: FileForm
    ignored: Sequence[str] = ()
