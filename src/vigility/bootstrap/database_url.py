"""Database URLs: the text that a user gives, parsed once. No other module looks at that text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Final, Literal

from vigility.core.errors import InvalidInput
from vigility.core.invisible_characters import first_invisible

Kind = Literal["memory", "sqlite", "postgresql"]

ALLOWED: Final = "must be sqlite:///PATH, file:PATH, the path of an SQLite file, postgresql://…, or memory:"

_POSTGRES_FORM: Final = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE"
# What may be shown of an address: hosts (several, or IPv6 in brackets) with ports.
_HOST: Final = r"(?:[\w.%-]*|\[[\w:.%]+\])(?::\d+)?"
_HOSTS: Final = rf"{_HOST}(?:,{_HOST})*"
_OPTIONS: Final = r"(?:[A-Za-z_]+=[^&]*)?(?:&(?:[A-Za-z_]+=[^&]*)?)*"
# What only a description of a server has: libpq's "host=db password=…", "Server=db;Pwd=…", "ada:…@db/usage".
# Taken for a path, it would become a file of that name, which shows the password to everyone.
_KEYWORD: Final = (
    "(?:fallback_)?application_name|channel_binding|client_encoding|connect_timeout|database|data ?source"
    "|dbname|gss[a-z]*|host|hostaddr|keepalives[a-z_]*|krbsrvname|load_balance_hosts|(?:min|max)_protocol_version"
    "|oauth_[a-z_]*|options|port|replication|require_?[a-z]*|server|service|servicefile|ssl[a-z_]*"
    "|target_session_attrs|tcp_user_timeout|uid|user|user ?id|username"
)
_SECRET: Final = "password|passwd|passfile|pwd?|sslpassword|secret|scram_[a-z]+_key"  # noqa: S105 - names
_SERVER: Final = rf"(?i)(?:[^/]*[\s;,])?(?:{_KEYWORD})\s*=|(?:.*[\s;,])?(?:{_SECRET})\s*=|[^/]*:[^/]*@"


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
    def parse(given: str | PathLike[str]) -> DatabaseUrl:
        """Parse what a user gave, without the spaces and line breaks around it.

        Raises InvalidInput, which never shows a password.
        """
        text = fspath(given) if isinstance(given, PathLike) else given
        if not isinstance(text, str):
            raise InvalidInput("database", f"{ALLOWED}, not a {type(text).__name__}")
        text = text.strip()
        _check_characters(text)
        scheme, colon, rest = text.partition(":")
        if not colon:
            return _sqlite(text)
        parser = _PARSERS.get(scheme)
        if parser is None:
            _require_no_server(text)
            raise InvalidInput("database", f"{ALLOWED}; {_shown(scheme, rest)} is none of them")
        return parser(rest)


def _check_characters(text: str) -> None:
    """Refuse what no one types on purpose: SQLite would make a file of such a name."""
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise InvalidInput("database", "must be one line, without control characters")
    if not text.isascii() and (hidden := first_invisible(text)):
        raise InvalidInput("database", f"must not hold invisible characters like U+{ord(hidden):04X}")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        raise InvalidInput("database", "must not be in quotes: here they would be a part of it")


def _require_no_server(path: str) -> None:
    if re.match(_SERVER, path):
        raise InvalidInput(
            "database",
            f"describes a server in an unknown form: write {_POSTGRES_FORM}, or ./ before the name of a file",
        )


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
    _require_no_server(path)
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
