"""The encoding of a file: told by its byte order mark or by the user, and otherwise UTF-8.

Whatever it is, the parsers get UTF-8.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Final

from vigility.cli.errors import UnreadableInput, UsageError

# How many bytes tell UTF-16 and UTF-32 without a mark.
_INSPECTED: Final = 64

# How many bytes a Latin character takes in them, and which of these is not zero.
_WIDE: Final = (("utf-16-le", 2, 0), ("utf-16-be", 2, 1), ("utf-32-le", 4, 0), ("utf-32-be", 4, 3))

# Bytes that the encoding lacks become lone surrogates, and these become the same bytes in the UTF-8 text. So
# only the lines that have them are invalid, and can be written as they were.
_KEEP: Final = "surrogateescape"


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding by Python's name, and the byte order mark that the file begins with, if any."""

    name: str = "utf-8"
    mark: bytes = b""

    @property
    def is_utf_8(self) -> bool:
        """Whether the bytes of the file are already what the parsers take."""
        return self.name == "utf-8"

    @property
    def invalid(self) -> str:
        """Why a line that does not fit the encoding is invalid."""
        if self.is_utf_8:
            return "is not valid UTF-8; if the file has another encoding, name it: --encoding latin-1"
        return f"is not valid {self.name}"

    def encode(self, record: bytes) -> bytes:
        """The bytes that the file had for `record`, which is UTF-8."""
        return record if self.is_utf_8 else record.decode("utf-8", _KEEP).encode(self.name, _KEEP)


UTF_8: Final = Encoding()

# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKED: Final = (
    Encoding("utf-32-le", codecs.BOM_UTF32_LE),
    Encoding("utf-32-be", codecs.BOM_UTF32_BE),
    Encoding("utf-8", codecs.BOM_UTF8),
    Encoding("utf-16-le", codecs.BOM_UTF16_LE),
    Encoding("utf-16-be", codecs.BOM_UTF16_BE),
)

# Python's encoders for these names begin each text with a mark.
_WITHOUT_MARK: Final = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}


def valid_encoding(name: str) -> str:
    """Python's name of an encoding for text. Raises UsageError."""
    try:
        codec = codecs.lookup(name)
        b"a".decode(name, "replace")  # LookupError if it is not for text, as base64
        codecs.getincrementaldecoder(name)(_KEEP).decode(b"a")  # UnicodeError if it cannot, as punycode
    except (LookupError, ValueError, TypeError):
        known = "utf-8, utf-16, latin-1, cp1252"
        raise UsageError(f"--encoding: no encoding is named {name!a}; there are {known} and others") from None
    return "utf-8" if codec.name == "utf-8-sig" else codec.name


def encoding_of(start: bytes, chosen: str | None, name: str) -> Encoding:
    """The encoding of the file `name` that begins with `start`. Raises UnreadableInput if they do not fit."""
    marked = next((encoding for encoding in _MARKED if start.startswith(encoding.mark)), None)
    if marked is None:
        if chosen is None:
            _check_zeros(start, name)
        return Encoding(_WITHOUT_MARK.get(chosen or "", chosen or "utf-8"))
    if chosen is not None and not marked.name.startswith(chosen):
        shown = marked.name.upper()
        raise UnreadableInput(f"{name} begins with the mark of {shown}, not of {chosen}: omit --encoding")
    return marked


def _check_zeros(start: bytes, name: str) -> None:
    """Name UTF-16 and UTF-32 without their marks: of each character of a Latin text one byte is not zero."""
    inspected = start[:_INSPECTED]
    for encoding, width, place in _WIDE:
        zeros = [byte for index, byte in enumerate(inspected) if index % width != place]
        if len(inspected) >= 2 * width and not any(zeros) and all(inspected[place::width]):
            raise UnreadableInput(f"{name} seems to be {encoding[:6].upper()}: use --encoding {encoding}")


def to_utf_8(content: Iterable[bytes], encoding: Encoding, name: str) -> Iterator[bytes]:
    """Yield the content, which has no mark any more, as UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding.name)(_KEEP)
    line = 1
    for chunk in chain(content, [None]):
        try:
            text = decoder.decode(chunk or b"", final=chunk is None)
        except UnicodeDecodeError as error:
            whole = b""
            with suppress(UnicodeError):
                whole = error.object[: error.start].decode(encoding.name, _KEEP).encode("utf-8", _KEEP)
            yield whole
            where = f"{name}, line {line + whole.count(10)}"
            raise UnreadableInput(f"{where}: {encoding.invalid}") from None
        line += text.count("\n")
        yield text.encode("utf-8", _KEEP)
