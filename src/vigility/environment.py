"""The environment and the file `.env`: where settings come from. No other module reads either.

Every entry point that has settings reads them here, so that all find the same ones. This needs the standard
library only, as long as there is no `.env`: the command line, which reads one setting, starts at once.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from vigility.core.errors import InvalidInput

FILE: Final = ".env"

_WHOLE: Final = re.compile("-?[0-9]{1,18}")

_SAVE: Final = "save the file as UTF-8"

# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable that is set. `file` and `line` are None if the environment sets it."""

    name: str
    value: str
    file: Path | None = None
    line: int | None = None

    @property
    def title(self) -> str:
        """The name for an error, with the place where it can be corrected."""
        return self.name if self.file is None else f"{self.name} ({self.file}, line {self.line})"


class Variables:
    """The variables of the environment and, for those that it leaves out, of `.env` in the current folder.

    Capitals do not matter in a name. Spaces, line breaks and invisible characters at the ends of a value do
    not count, secrets included: `$(cat file)`, editors and web pages leave them behind. A value without
    anything else is not set.
    """

    def get(self, name: str) -> Variable | None:
        """The variable of this name, or None. Raises InvalidInput if `.env` is needed and cannot be read."""
        return _chosen(name, self._of_environment) or _chosen(name, self._of_file)

    def __iter__(self) -> Iterator[Variable]:
        """All that are set, those of the environment first. Raises InvalidInput as `get` does."""
        yield from self._of_environment.values()
        yield from self._of_file.values()

    @cached_property
    def _of_environment(self) -> Mapping[str, Variable]:
        return _set({name: Variable(name, value) for name, value in os.environ.items()})

    @cached_property
    def _of_file(self) -> Mapping[str, Variable]:
        return _set(_read(Path(FILE).absolute())) if _exists(Path(FILE)) else {}


def whole_number(value: object) -> object:
    """The number that a text is; any other value as it is. Raises ValueError."""
    if not isinstance(value, str):
        return value
    if not _WHOLE.fullmatch(value):
        raise ValueError("must be a whole number")
    return int(value)


def _exists(path: Path) -> bool:
    try:
        return path.is_file() or path.is_fifo()  # a folder of this name is a virtual environment
    except OSError:  # the current folder is one that this user may not enter
        return False


def _chosen(name: str, variables: Mapping[str, Variable]) -> Variable | None:
    folded = name.casefold()
    found = variables.get(name) or next((v for v in variables.values() if v.name.casefold() == folded), None)
    return found and Variable(name, found.value, found.file, found.line)


def _set(variables: Mapping[str, Variable]) -> Mapping[str, Variable]:
    """Those that have a value, without what surrounds it."""
    bare = {name: _bare(v.value) for name, v in variables.items()}
    return {name: Variable(name, bare[name], v.file, v.line) for name, v in variables.items() if bare[name]}


def _bare(value: str) -> str:
    """The value without spaces and invisible characters at its ends."""
    if value.isascii():
        return value.strip()
    counts = [index for index, character in enumerate(value) if not _is_ignored(character)]
    return value[counts[0] : counts[-1] + 1] if counts else ""


def _is_ignored(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) == "Cf"


def _read(path: Path) -> dict[str, Variable]:
    """The variables of a file, the last one of each name. The errors never show a value: it may be secret."""
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    text = _text(path)
    lines: dict[str, int] = {}
    for binding in parse_stream(io.StringIO(text)):
        statement = binding.original.string
        number = binding.original.line + statement[: len(statement) - len(statement.lstrip())].count("\n")
        if binding.error or (binding.key is not None and binding.value is None):
            raise InvalidInput(f"{path}, line {number}", "must be NAME=VALUE, or begin with #")
        if binding.key is not None:
            lines[binding.key] = number
    values = dotenv_values(stream=io.StringIO(text))  # with ${NAME} replaced
    return {name: Variable(name, values[name] or "", path, number) for name, number in lines.items()}


def _text(path: Path) -> str:
    """The text of a file. Windows' editors write UTF-16, which its byte order mark tells."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(str(path), f"cannot be read: {error.strerror}") from None
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8-sig")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInput(f"{path}, line {line}", f"is not valid {_named(encoding)}; {_SAVE}") from None
    if "\0" in text:
        raise InvalidInput(str(path), f"holds NUL bytes, as UTF-16 without its mark does; {_SAVE}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _named(encoding: str) -> str:
    return encoding.upper().removesuffix("-SIG")
