"""What libpq and the server's session are told."""

from __future__ import annotations

from typing import Any, Final

import psycopg
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


def parameters_of(address: str) -> dict[str, Any]:
    """What libpq is told: the parameters of the address, and defaults for those that it leaves out.

    Raises InvalidInput if libpq does not accept it. The error never shows the password.
    """
    try:
        return _DEFAULTS | conninfo_to_dict(address)
    except psycopg.Error:
        # libpq's own message may repeat a part of the password.
        form = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE"
        raise InvalidInput("database", f"is not a PostgreSQL URL; they look like {form}") from None


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
