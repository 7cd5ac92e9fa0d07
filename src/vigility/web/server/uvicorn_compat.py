"""Checks that the installed uvicorn has every name that this package overrides or uses.

They are not uvicorn's public interface, so a new release may drop one. Without this check that would show up
only as failing requests, or as limits that no longer apply. `tests/web/test_uvicorn_compat.py` compares
the declarations below with the modules that use them.
"""

from __future__ import annotations

import dis
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from vigility.core.errors import VigilityError

TESTED_VERSIONS: Final = ">=0.54,<0.55"
"""The versions of uvicorn that pyproject.toml allows."""

OVERRIDDEN: Final = frozenset(
    {
        "_start_asgi_task",
        "connection_lost",
        "connection_made",
        "data_received",
        "eof_received",
        "on_body",
        "on_header",
        "on_headers_complete",
        "on_message_complete",
        "on_response_complete",
        "pause_writing",
        "resume_writing",
        "shutdown",
        "timeout_keep_alive_handler",
    }
)
"""The methods of uvicorn's HttpToolsProtocol that Protocol overrides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What this package uses of one class of uvicorn.

    Attributes:
        path: the module and the name of the class.
        methods: methods that are called or overridden.
        attributes: attributes of instances, set by the class's own methods.
        parameters: parameters of the constructor, passed by name.
    """

    path: tuple[str, str]
    methods: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()


_HTTPTOOLS: Final = "uvicorn.protocols.http.httptools_impl"

PROTOCOL: Final = Usage(
    path=(_HTTPTOOLS, "HttpToolsProtocol"),
    methods=OVERRIDDEN | {"_unset_keepalive_if_required"},
    attributes=frozenset(
        {
            "access_log",
            "access_logger",
            "app",
            "app_state",
            "client",
            "cycle",
            "expect_100_continue",
            "flow",
            "headers",
            "limit_concurrency",
            "logger",
            "loop",
            "parser",
            "pipeline",
            "scope",
            "server_state",
            "timeout_keep_alive",
            "timeout_keep_alive_task",
            "transport",
            "url",
        }
    ),
)
CYCLE: Final = Usage(
    path=(_HTTPTOOLS, "RequestResponseCycle"),
    attributes=frozenset(
        {
            "body",
            "default_headers",
            "disconnected",
            "keep_alive",
            "message_event",
            "more_body",
            "response_complete",
            "response_started",
        }
    ),
    parameters=frozenset(
        {
            "access_log",
            "access_logger",
            "default_headers",
            "expect_100_continue",
            "flow",
            "keep_alive",
            "logger",
            "message_event",
            "on_response",
            "scope",
            "transport",
        }
    ),
)
FLOW_CONTROL: Final = Usage(
    path=("uvicorn.protocols.http.flow_control", "FlowControl"),
    attributes=frozenset({"read_paused", "write_paused"}),
)
SERVER: Final = Usage(
    path=("uvicorn.server", "Server"),
    methods=frozenset({"shutdown"}),
    attributes=frozenset({"config", "lifespan", "server_state", "servers"}),
)
WORKER: Final = Usage(
    path=("uvicorn_worker", "UvicornWorker"),
    methods=frozenset({"_install_sigquit_handler", "_serve", "callback_notify", "init_signals"}),
)
SERVER_STATE: Final = Usage(path=("uvicorn.server", "ServerState"), attributes=frozenset({"default_headers"}))
STATUS_LINE: Final = Usage(path=(_HTTPTOOLS, "STATUS_LINE"))


class UnsupportedUvicorn(VigilityError):
    """The installed uvicorn lacks names that this package needs."""


def check_uvicorn() -> None:
    """Check the installed uvicorn. Costs a few milliseconds.

    Raises UnsupportedUvicorn, which names what is missing.
    """
    if missing := missing_names():
        raise UnsupportedUvicorn(
            f"uvicorn {version('uvicorn')} does not work with vigility: it lacks {', '.join(missing)}; "
            f"install a tested version: pip install 'uvicorn{TESTED_VERSIONS}'"
        )


def missing_names() -> list[str]:
    """The names that are needed and that the installed uvicorn does not have."""
    usages = (PROTOCOL, CYCLE, FLOW_CONTROL, SERVER, SERVER_STATE, STATUS_LINE, WORKER)
    return list(dict.fromkeys(name for usage in usages for name in _missing(usage)))


def _missing(usage: Usage) -> Iterator[str]:
    module, name = usage.path
    try:
        used = getattr(importlib.import_module(module), name, None)
    except ImportError:
        yield module
        return
    if used is None:
        yield name
        return
    for method in sorted(usage.methods - _methods_of(used)):
        yield f"{name}.{method}"
    for attribute in sorted(usage.attributes - _attributes_set_by(used)):
        yield f"{name}.{attribute}"
    if usage.parameters:
        for parameter in sorted(usage.parameters - inspect.signature(used).parameters.keys()):
            yield f"{name}({parameter}=)"


def _methods_of(used: object) -> set[str]:
    """The methods of a class that uvicorn defines. Those of asyncio's base classes do nothing."""
    bases = getattr(used, "__mro__", ())
    return {
        name
        for base in bases
        if base.__module__.startswith(("uvicorn.", "uvicorn_worker."))
        for name in vars(base)
    }


def _attributes_set_by(used: object) -> set[str]:
    """The attributes that the methods of a class assign. Nothing else declares them."""
    functions = filter(inspect.isfunction, getattr(used, "__dict__", {}).values())
    return {
        instruction.argval
        for function in functions
        for instruction in dis.get_instructions(function)
        if instruction.opname == "STORE_ATTR"
    }
