"""Database URLs: the text that a user gives, parsed once. No other module looks at that text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from vigility.core.errors import InvalidInput

Kind = Literal["memory", "sqlite", "postgresql"]

ALLOWED: Final = "must be sqlite:///PATH, file:PATH, the path of an SQLite file, postgresql://…, or memory:"

_POSTGRES_FORM: Final = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE"
# What may be shown of an address: hosts (several, or IPv6 in brackets) with ports.
_HOST: Final = r"(?:[\w.%-]*|\[[\w:.%]+\])(?::\d+)?"
_HOSTS: Final = rf"{_HOST}(?:,{_HOST})*"
_OPTIONS: Final = r"(?:[A-Za-z_]+=[^&]*)?(?:&(?:[A-Za-z_]+=[^&]*)?)*"


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A parsed database URL.

    Attributes:
        kind: the kind of storage backend that it names.
        safe_text: the database as a person would name it, without user, password and options: for messages.
        path: the file of an SQLite database.
        address: what the driver of a server is given, with its password. Never shown.
    """

    kind: Kind
    safe_text: str
    path: Path | None = None
    address: str | None = field(default=None, repr=False)

    @staticmethod
    def parse(text: str) -> DatabaseUrl:
        """Parse what a user gave. Raises InvalidInput, which never shows a password."""
        scheme, colon, rest = text.partition(":")
        if not colon:
            return _sqlite(text)
        parser = _PARSERS.get(scheme)
        if parser is None:
            raise InvalidInput("database", f"{ALLOWED}; {_shown(scheme, rest)} is none of them")
        return parser(rest)


def _memory(rest: str) -> DatabaseUrl:
    if rest:
        raise InvalidInput("database", f"{ALLOWED}, with nothing behind memory:")
    return DatabaseUrl("memory", "memory:")


def _sqlite_url(rest: str) -> DatabaseUrl:
    if not rest.startswith("///"):
        raise InvalidInput("database", f"{ALLOWED}; sqlite: needs three slashes and a path")
    return _sqlite(rest.removeprefix("///"))


def _file(rest: str) -> DatabaseUrl:
    return _sqlite(rest.removeprefix("//"))


def _sqlite(path: str) -> DatabaseUrl:
    if not path.strip() or "\0" in path:
        raise InvalidInput("database", f"{ALLOWED}, not {path!r}")
    if "?" in path:  # what follows may be a secret
        raise InvalidInput("database", f"{ALLOWED}, with no options behind it")
    if path == ":memory:":  # SQLite's own, in which each connection would have a database to itself
        raise InvalidInput("database", f"{ALLOWED}, not :memory:")
    try:
        expanded = Path(path).expanduser()
    except RuntimeError as error:  # ~somebody, and there is no such user
        raise InvalidInput("database", f"{ALLOWED}; the home directory in {path!r} is unknown") from error
    return DatabaseUrl("sqlite", str(expanded), expanded)


def _postgres(rest: str) -> DatabaseUrl:
    """Split as libpq does: credentials end at the first @ before any slash.

    A text that may be read in another way is refused without being shown: it may be part of a password.
    """
    text = rest.removeprefix("//")
    credentials = re.match("[^@/]*@", text)
    address, question, options = text[credentials.end() if credentials else 0 :].partition("?")
    hosts, _, name = address.partition("/")
    is_url = rest.startswith("//") and re.fullmatch(_HOSTS, hosts) and re.fullmatch(_OPTIONS, options)
    if not is_url or "@" in name:
        encode = "write / as %2F and @ as %40 in a name, password or option"
        raise InvalidInput("database", f"is not a PostgreSQL URL, like {_POSTGRES_FORM}; {encode}")
    safe = f"postgresql://{'…@' if credentials else ''}{hosts}/{name}{'?…' if question else ''}"
    return DatabaseUrl("postgresql", safe, address=f"postgresql:{rest}")


_PARSERS: Final[dict[str, Callable[[str], DatabaseUrl]]] = {
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
