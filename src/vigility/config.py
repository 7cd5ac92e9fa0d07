"""The settings, from the environment or a `.env` file. Only this module reads either.

pydantic-settings takes 0.2 s to import: only what serves HTTP loads this module.
"""

from __future__ import annotations

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from vigility.core.errors import InvalidInput

Network = IPv4Network | IPv6Network
Switch = Literal["on", "off"]

PREFIX: Final = "VIGILITY_"
_METRICS_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())
    except ValueError:
        raise ValueError("must be addresses or networks, like 10.0.0.0/8,127.0.0.1") from None


def _origin(value: object) -> object:
    """`https://app.example:8443` of a URL, as browsers write it in the Origin header."""
    if not isinstance(value, str):
        return value
    url = urlsplit(value.strip())
    if url.scheme not in {"http", "https"} or not url.hostname or "@" in url.netloc:
        raise ValueError("must be a web address like https://app.example")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    default = {"http": 80, "https": 443}[url.scheme]
    return f"{url.scheme}://{host}" + (f":{url.port}" if url.port not in {None, default} else "")


class Settings(BaseSettings):
    """Everything that can be set. Each field's description is its line in docs/configuration.md."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    database_url: str = Field(
        "sqlite:///vigility.db",
        validation_alias="DATABASE_URL",
        description="The database: `sqlite:///PATH` (a fourth slash makes it absolute) or "
        "`postgresql://USER:PASSWORD@HOST:PORT/DATABASE`.",
    )
    database_connections: int = Field(
        6, ge=1, le=1000, description="Connections to PostgreSQL that one worker opens at most."
    )
    database_statement_seconds: int = Field(
        30, ge=1, le=3600, description="How long one statement of a request may take on PostgreSQL."
    )
    jwt_secret: SecretStr | None = Field(
        None,
        validation_alias="JWT_SECRET",
        description="What tokens are signed with, 32 bytes or more. Without it a random secret is made "
        "once and kept beside the SQLite file, readable by its owner only; PostgreSQL needs it.",
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8002, ge=1, le=65535, validation_alias="PORT", description="The port to listen on.")
    workers: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)),
        ge=1,
        le=256,
        description="Worker processes; by default one for each core.",
    )
    frontend_url: Annotated[str, BeforeValidator(_origin)] | None = Field(
        None,
        validation_alias="FRONTEND_URL",
        description="Where the browser client is served from. Only its origin may send cookies from "
        "another site; with it cookies are `SameSite=None; Secure`. Without it `http://localhost:3000` may.",
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (),
        description="Addresses or networks, separated by commas, whose `X-Forwarded-For` is believed.",
    )
    rate_limit: Switch = Field("on", description="`off` lifts the limits on sign-in; for load tests only.")
    attempts_per_account: int = Field(
        30, ge=1, description="How often one account may try to log in, or one name to register, at once."
    )
    attempts_per_address: int = Field(
        100, ge=1, description="How often one address (IPv6: one /64 network) may log in or register at once."
    )
    attempts_window_minutes: int = Field(
        30, ge=1, description="In how many minutes that many attempts are granted anew, one by one."
    )
    password_threads: int = Field(
        1, ge=1, le=8, description="How many passwords one worker hashes at the same time."
    )
    bcrypt_rounds: int = Field(
        12, ge=4, le=16, description="bcrypt's cost as a power of two. Below 10 only for tests."
    )
    oldest_event_days: int = Field(
        3653,
        ge=1,
        le=365_000,
        description="How many days back the events of `POST /track/batch` may lie; by default ten years.",
    )
    grace_seconds: int = Field(
        30, ge=2, le=3600, description="How long requests may take to finish when the server is stopped."
    )
    upgrade: Switch = Field(
        "on", description="`off` leaves the schema alone: a database that is not up to date is then refused."
    )
    access_log: Switch = Field("on", description="`off` leaves out the line that each request writes.")


def load_settings(**chosen: object) -> Settings:
    """The settings, those in `chosen` (None is left out) taken before the environment's.

    Raises InvalidInput, which names the variable and says in one line what it may hold.
    """
    try:
        given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidInput(_variable(first["loc"]), _rule(first["msg"])) from None


def variable_of(field: str) -> str:
    """The environment variable of a field."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"{PREFIX}{field.upper()}"


def share_metrics_in(directory: Path | None) -> None:
    """Tell prometheus-client, which reads it from the environment, where the workers' files are."""
    if directory is None:
        os.environ.pop(_METRICS_DIRECTORY, None)
    else:
        os.environ[_METRICS_DIRECTORY] = str(directory)


def shared_metrics() -> Path | None:
    """Where the workers keep their metrics; None in a process that is alone."""
    directory = os.environ.get(_METRICS_DIRECTORY)
    return Path(directory) if directory else None


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "settings"
    return variable_of(name) if name in Settings.model_fields else name


def _rule(message: str) -> str:
    """A message of pydantic's as the end of a sentence that begins with the name."""
    return message.removeprefix("Value error, ").replace("Input should", "must").partition(", unable")[0]
