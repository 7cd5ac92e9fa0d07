"""The settings: what there is to set, and what each value must be. `environment.py` reads the values.

pydantic takes 0.1 s to import, so of the commands only those that need all settings import this module.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from vigility.core.errors import InvalidInput
from vigility.core.events.feature_limit import HIGHEST_LIMIT, MAX_FEATURES
from vigility.core.events.window import MAX_OLDEST_DAYS, OLDEST_DAYS
from vigility.environment import Variable, Variables, whole_number

Network = IPv4Network | IPv6Network
Switch = Literal["on", "off"]
Whole = Annotated[int, BeforeValidator(whole_number)]

PREFIX: Final = "VIGILITY_"
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
_MAPPED_PREFIX: Final = 96  # ::ffff:0:0/96 holds the IPv4 addresses
_METRICS_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError:
        raise ValueError("must be addresses or networks, like 10.0.0.0/8,127.0.0.1") from None


def _network(text: str) -> Network:
    """The network. One of IPv4 addresses that is written as IPv6 is an IPv4 network, as its addresses are."""
    network = ip_network(text, strict=False)
    if isinstance(network, IPv4Network) or network.prefixlen < _MAPPED_PREFIX:
        return network
    mapped = network.network_address.ipv4_mapped
    return network if mapped is None else IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX))


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


def _token(value: object) -> object:
    """What can be sent in a header as it is."""
    if isinstance(value, str) and not re.fullmatch(r"[!-~]{16,}", value):
        raise ValueError("must have 16 or more visible ASCII characters")
    return value


def _host_names(value: object) -> object:
    """Host names as they are in the Host header, but without a port."""
    if not isinstance(value, str):
        return value
    names = tuple(part.strip() for part in value.split(",") if part.strip())
    if not all(map(_is_host_name, names)):
        raise ValueError("must be host names without scheme and port, like usage.example,*.example.org, or *")
    return names


def _is_host_name(name: str) -> bool:
    if name == "*" or _HOST_NAME.fullmatch(name.removeprefix("*.")):
        return True
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


class Settings(BaseModel):
    """Every setting. The description of a field is its line in docs/configuration.md."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True)

    database_url: str = Field(
        "sqlite:///vigility.db",
        validation_alias="DATABASE_URL",
        description="The database: `sqlite:///PATH` (a fourth slash makes it absolute) or "
        "`postgresql://USER:PASSWORD@HOST:PORT/DATABASE`.",
    )
    database_connections: Whole = Field(
        6, ge=1, le=1000, description="The most connections to PostgreSQL that one worker opens."
    )
    database_statement_seconds: Whole = Field(
        30,
        ge=1,
        le=3600,
        description="How many seconds a report may take to read, and on PostgreSQL any statement of a "
        "request.",
    )
    jwt_secret: SecretStr | None = Field(
        None,
        validation_alias="JWT_SECRET",
        description="The secret that tokens are signed with, 32 bytes or more. Without it a random secret is "
        "created once and kept beside the SQLite file, readable by its owner only. Required with PostgreSQL.",
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: Whole = Field(8002, ge=1, le=65535, validation_alias="PORT", description="The port to listen on.")
    workers: Whole = Field(
        # macOS has no sched_getaffinity.
        default_factory=lambda: (
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        ),
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
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = Field(
        (),
        description="Addresses or networks of proxies, separated by commas. Only their `X-Forwarded-For` and "
        "`X-Forwarded-Proto` are trusted.",
    )
    allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(_host_names)] = Field(
        (),
        description="The host names under which browsers and proxies reach the server, separated by commas; "
        "`*.example.org` for all subdomains, `*` for any name. Always allowed are `localhost`, loopback "
        "addresses, the address to listen on (if that is `0.0.0.0` or `::`: every address) and the host of "
        "`FRONTEND_URL`. A request for another host gets 421.",
    )
    rate_limit: Switch = Field(
        "on", description="`off` turns off the limits on sign-in and registration. For load tests only."
    )
    attempts_per_account: Whole = Field(
        30,
        ge=1,
        description="How many failed attempts to sign in to one account, or to register one name, one "
        "network may make at once. All networks from which the account has not signed in before may together "
        "make three times as many.",
    )
    attempts_per_address: Whole = Field(
        100,
        ge=1,
        description="How many failed attempts one network (one IPv4 address, or one IPv6 /64) may make at "
        "once to sign in or to register. An IPv6 /48 may make four times as many.",
    )
    attempts_window_minutes: Whole = Field(
        30,
        ge=1,
        description="Within how many minutes all of those attempts become available again, one by one.",
    )
    password_threads: Whole = Field(
        1, ge=1, le=8, description="How many passwords one worker may hash at the same time."
    )
    bcrypt_rounds: Whole = Field(
        12, ge=4, le=16, description="bcrypt's cost, as a power of two. Use less than 10 only for tests."
    )
    oldest_event_days: Whole = Field(
        OLDEST_DAYS,
        ge=1,
        le=MAX_OLDEST_DAYS,
        description="How many days old an event may be when it is tracked, by HTTP or by the command line. "
        "By default ten years.",
    )
    max_features: Whole = Field(
        MAX_FEATURES,
        ge=1,
        le=HIGHEST_LIMIT,
        description="How many different features are taken. An event of a further one is refused, whichever "
        "way it comes.",
    )
    events_per_minute: Whole | None = Field(
        None,
        ge=1,
        description="How many events one user may send a minute to each worker. More get 429. By default "
        "there is no limit.",
    )
    grace_seconds: Whole = Field(
        30,
        ge=2,
        le=3600,
        description="How many seconds requests may take to finish when the server is stopped.",
    )
    upgrade: Switch = Field(
        "on",
        description="`off` does not upgrade the schema. The server then refuses a database that needs it.",
    )
    metrics_token: Annotated[SecretStr | None, BeforeValidator(_token)] = Field(
        None,
        description="If set, only requests that send it as a bearer token may read `/metrics`: 16 visible "
        "ASCII characters or more. Without it anyone who can reach the server may.",
    )
    access_log: Switch = Field("on", description="`off` turns off the log line of each request.")


@dataclass(frozen=True, slots=True)
class Effective:
    """The settings, and by field the variable that each was read from: neither a default nor chosen."""

    settings: Settings
    variables: Mapping[str, Variable]


def load_settings(**chosen: object) -> Settings:
    """The settings. Those in `chosen` override the environment and `.env`, except for None.

    Raises InvalidInput, which names the variable and the allowed values in one line.
    """
    return effective_settings(**chosen).settings


def effective_settings(**chosen: object) -> Effective:
    """The settings and where they come from. Raises as `load_settings` does."""
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    variables = Variables()
    read = {
        field: variable
        for field in Settings.model_fields
        if field not in given and (variable := variables.get(variable_of(field)))
    }
    given |= {field: variable.value for field, variable in read.items()}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidInput(_title(first["loc"], read), _rule(first["msg"])) from None
    return Effective(settings, read)


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


def _title(location: tuple[int | str, ...], read: Mapping[str, Variable]) -> str:
    """The name of the variable at the place of an error, which pydantic gives by the alias."""
    name = str(location[0]) if location else "settings"
    fields = {field for field in Settings.model_fields if name in {field, variable_of(field)}}
    field = fields.pop() if fields else name
    if field in read:
        return read[field].title
    return variable_of(field) if field in Settings.model_fields else name


def _rule(message: str) -> str:
    """A message of pydantic as the end of a sentence that starts with the variable's name."""
    return message.removeprefix("Value error, ").replace("Input should", "must").partition(", unable")[0]
