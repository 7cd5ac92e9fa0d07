"""The settings, from the environment or a `.env` file. No other module reads either.

pydantic-settings takes 0.2 s to import, so only what serves HTTP imports this module.
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
    """The origin of a URL, as browsers send it in the Origin header: `https://app.example:8443`."""
    if not isinstance(value, str):
        return value
    url = urlsplit(value.strip())
    if url.scheme not in {"http", "https"} or not url.hostname or "@" in url.netloc:
        raise ValueError("must be a web address like https://app.example")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    default = {"http": 80, "https": 443}[url.scheme]
    return f"{url.scheme}://{host}" + (f":{url.port}" if url.port not in {None, default} else "")


class Settings(BaseSettings):
    """Every setting. The description of a field is its line in docs/configuration.md."""

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
        6, ge=1, le=1000, description="The most connections to PostgreSQL that one worker opens."
    )
    database_statement_seconds: int = Field(
        30, ge=1, le=3600, description="How many seconds one statement of a request may take on PostgreSQL."
    )
    jwt_secret: SecretStr | None = Field(
        None,
        validation_alias="JWT_SECRET",
        description="The secret that tokens are signed with, 32 bytes or more. Without it a random secret is "
        "created once and kept beside the SQLite file, readable by its owner only. Required with PostgreSQL.",
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8002, ge=1, le=65535, validation_alias="PORT", description="The port to listen on.")
    workers: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)),
        ge=1,
        le=256,
        description="How many worker processes run. By default one for each core.",
    )
    frontend_url: Annotated[str, BeforeValidator(_origin)] | None = Field(
        None,
        validation_alias="FRONTEND_URL",
        description="The URL that the browser client is served from. Only its origin may send cookies from "
        "another site, and cookies become `SameSite=None; Secure`. Without it that origin is "
        "`http://localhost:3000`, and cookies are `SameSite=Lax`.",
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (),
        description="Addresses or networks of proxies, separated by commas. Only their `X-Forwarded-For` is "
        "trusted.",
    )
    rate_limit: Switch = Field(
        "on", description="`off` turns off the limits on sign-in and registration. For load tests only."
    )
    attempts_per_account: int = Field(
        30,
        ge=1,
        description="How many attempts one account may make at once to sign in, or one name to register.",
    )
    attempts_per_address: int = Field(
        100,
        ge=1,
        description="How many attempts one address (for IPv6: one /64 network) may make at once to sign in "
        "or to register.",
    )
    attempts_window_minutes: int = Field(
        30,
        ge=1,
        description="Within how many minutes all of those attempts become available again, one by one.",
    )
    password_threads: int = Field(
        1, ge=1, le=8, description="How many passwords one worker may hash at the same time."
    )
    bcrypt_rounds: int = Field(
        12, ge=4, le=16, description="bcrypt's cost, as a power of two. Use less than 10 only for tests."
    )
    oldest_event_days: int = Field(
        3653,
        ge=1,
        le=365_000,
        description="How many days old the events of `POST /track/batch` may be. By default ten years.",
    )
    grace_seconds: int = Field(
        30,
        ge=2,
        le=3600,
        description="How many seconds requests may take to finish when the server is stopped.",
    )
    upgrade: Switch = Field(
        "on",
        description="`off` does not upgrade the schema. The server then refuses a database that needs it.",
    )
    access_log: Switch = Field("on", description="`off` turns off the log line of each request.")


def load_settings(**chosen: object) -> Settings:
    """The settings. Those in `chosen` override the environment, except for None.

    Raises InvalidInput, which names the variable and the allowed values in one line.
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
    """Set the directory of the workers' metrics files, which prometheus-client reads from the environment."""
    if directory is None:
        os.environ.pop(_METRICS_DIRECTORY, None)
    else:
        os.environ[_METRICS_DIRECTORY] = str(directory)


def shared_metrics() -> Path | None:
    """The directory in which the workers keep their metrics. None in a process without workers."""
    directory = os.environ.get(_METRICS_DIRECTORY)
    return Path(directory) if directory else None


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "settings"
    return variable_of(name) if name in Settings.model_fields else name


def _rule(message: str) -> str:
    """A message of pydantic as the end of a sentence that starts with the variable's name."""
    return message.removeprefix("Value error, ").replace("Input should", "must").partition(", unable")[0]
