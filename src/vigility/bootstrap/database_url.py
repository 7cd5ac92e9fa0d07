"""Database URLs: the text that a user gives, parsed once. No other module looks at that text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Self

from vigility.core.errors import InvalidInput

Kind = Literal["memory", "sqlite", "postgresql"]

ALLOWED: Final = "must be sqlite:///PATH, file:PATH, the path of an SQLite file, postgresql://…, or memory:"

_POSTGRES_FORM: Final = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE"
# What may be shown of an address: hosts (several, or IPv6 in brackets) with ports, and the database's name.
_HOST: Final = r"(?:[\w.%-]*|\[[\w:.%]+\])(?::\d+)?"
_HOSTS: Final = rf"{_HOST}(?:,{_HOST})*"
_RESERVED: Final = {"#": "%23", "@": "%40"}


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A parsed database URL.

    Attributes:
        kind: the kind of storage backend that it names.
        safe_text: the database as a person would name it, without user and password: for messages and logs.
        path: the file of an SQLite database.
        address: what the driver of a server is given, with its password. Never shown.
    """

    kind: Kind
    safe_text: str
    path: Path | None = None
    address: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse what a user gave. Raises InvalidInput, which never shows a password."""
        scheme, colon, rest = text.partition(":")
        if not colon:
            return cls(*_sqlite(text))
        parser = _PARSERS.get(scheme)
        if parser is None:
            raise InvalidInput("database", f"{ALLOWED}; {_shown(scheme, rest)} is none of them")
        return cls(*parser(rest))


_Fields = tuple[Kind, str] | tuple[Kind, str, Path] | tuple[Kind, str, None, str]


def _memory(rest: str) -> _Fields:
    if rest:
        raise InvalidInput("database", f"{ALLOWED}, with nothing behind memory:")
    return "memory", "memory:"


def _sqlite_url(rest: str) -> _Fields:
    if not rest.startswith("///"):
        raise InvalidInput("database", f"{ALLOWED}; sqlite: needs three slashes and a path")
    return _sqlite(rest.removeprefix("///"))


def _file(rest: str) -> _Fields:
    return _sqlite(rest.removeprefix("//"))


def _sqlite(path: str) -> _Fields:
    if not path.strip() or "\0" in path:
        raise InvalidInput("database", f"{ALLOWED}, not {path!r}")
    if "?" in path:  # what stands there may be a secret
        raise InvalidInput("database", f"{ALLOWED}, with no options behind it")
    if path == ":memory:":  # SQLite's own, in which each connection would have a database to itself
        raise InvalidInput("database", f"{ALLOWED}, not :memory:")
    expanded = Path(path).expanduser()
    return "sqlite", str(expanded), expanded


def _postgres(rest: str) -> _Fields:
    """Whatever does not match what a URL of PostgreSQL is must not be shown: it may be part of a password."""
    address, _, options = rest.removeprefix("//").partition("?")
    authority, _, name = address.partition("/")
    credentials, _, hosts = authority.rpartition("@")
    is_url = rest.startswith("//") and "/" not in name and re.fullmatch(_HOSTS, hosts)
    if not is_url or (options and not all("=" in option for option in options.split("&"))):
        raise InvalidInput("database", f"is not a PostgreSQL URL; they look like {_POSTGRES_FORM}")
    for character, encoded in _RESERVED.items():
        if character in credentials + name + options:
            raise InvalidInput(
                "database", f"must not contain {character} in a name, password or option: write {encoded}"
            )
    return "postgresql", f"postgresql://{hosts}/{name}", None, f"postgresql:{rest}"


_PARSERS: Final[dict[str, Callable[[str], _Fields]]] = {
    "file": _file,
    "memory": _memory,
    "postgres": _postgres,
    "postgresql": _postgres,
    "sqlite": _sqlite_url,
}


def _shown(scheme: str, rest: str) -> str:
    """The scheme if it is one: anything else may be a secret."""
    is_scheme = rest.startswith("//") and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,15}", scheme)
    return f"{scheme}:" if is_scheme else "this"
