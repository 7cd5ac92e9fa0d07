"""What libpq and the server's session are told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from vigility.core.errors import InvalidInput

# How long a transaction waits for another's locks, as on SQLite.
_LOCK_SECONDS: Final = 5
# A process that hangs inside a transaction blocks the others; after this time the server ends its session.
_IDLE_SECONDS: Final = 10

# What libpq is told unless the URL says otherwise: a lost server is noticed within seconds.
_DEFAULTS: Final[dict[str, str | int]] = {
    "application_name": "vigility",
    "connect_timeout": 3,
    "tcp_user_timeout": 5_000,
    "client_encoding": "utf8",
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 5,
}

_ONLY_IN_URLS: Final = frozenset({"ssl"})  # libpq takes ssl=true for sslmode=require, as JDBC has it
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,40}")
_WRONG_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def parameters_of(address: str) -> dict[str, Any]:
    """What libpq is told: the parameters of the address, and defaults for those that it leaves out.

    Raises InvalidInput if libpq does not accept it. The error names the parameters that it does not know, or
    that are there twice, and never shows a value: it may be a password.
    """
    _check_names(_names(address))
    if _WRONG_PERCENT.search(address):
        raise InvalidInput("database", "has a % without two hexadecimal digits behind it: write %25 for a %")
    try:
        return _DEFAULTS | conninfo_to_dict(address)
    except psycopg.Error:
        # libpq's own message may repeat a part of the password.
        form = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE"
        raise InvalidInput("database", f"is not a PostgreSQL URL; they look like {form}") from None


def _names(address: str) -> Sequence[str]:
    return [option.partition("=")[0] for option in address.partition("?")[2].split("&") if option]


def _check_names(names: Sequence[str]) -> None:
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} | _ONLY_IN_URLS
    unknown = ", ".join(sorted(name for name in set(names) - known if _NAME.fullmatch(name)))
    if unknown:
        raise InvalidInput("database", f"has parameters that PostgreSQL's libpq does not know: {unknown}")
    if repeated := ", ".join(sorted(name for name in set(names) & known if names.count(name) > 1)):
        raise InvalidInput("database", f"must have each parameter once, not {repeated} several times")


def name_of(parameters: dict[str, Any]) -> str:
    """What errors call the database: where it is, without who uses it."""
    host, port = parameters.get("host") or "", parameters.get("port") or ""
    where = f"{host}:{port}" if port else host
    return f"postgresql://{where}/{parameters.get('dbname') or ''}"


def session_settings(statement_seconds: int) -> str:
    """The statement that sets up a new session.

    An acknowledged event must be durable, whatever the server's default for `synchronous_commit`.
    """
    seconds = {
        "statement_timeout": statement_seconds,
        "lock_timeout": _LOCK_SECONDS,
        "idle_in_transaction_session_timeout": _IDLE_SECONDS,
    }
    chosen = [f"set_config('{name}', '{value}s', false)" for name, value in seconds.items()]
    durable = "set_config('synchronous_commit', 'on', false)"
    chosen.append(f"CASE current_setting('synchronous_commit') WHEN 'off' THEN {durable} END")
    return f"SELECT {', '.join(chosen)}"
