"""Turns errors into a line on stderr and an exit code. This is the only place that does so.

0    done
1    the command failed, or did only a part of its work
2    invalid usage
130  ended by Ctrl-C; 143 by SIGTERM
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import typer

from vigility.cli.console import one_line
from vigility.cli.signals import Interrupted
from vigility.core.errors import InvalidInput, VigilityError

FAILED: Final = 1
INVALID_USAGE: Final = 2
ENDED_BY_SIGNAL: Final = 128


class CommandError(Exception):
    """The command cannot do what it was asked to do; the text says why."""

    exit_code = FAILED


class UsageError(CommandError):
    """The command was used in a way that is not possible."""

    exit_code = INVALID_USAGE


class UnreadableInput(CommandError):
    """An input cannot be read any further."""


@contextmanager
def named(**names: str) -> Iterator[None]:
    """Make InvalidInput errors of the core name the option that the user typed: `username="--user"`."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(names.get(error.field, _as_option(error.field)), error.rule) from None


def outcome(error: BaseException) -> tuple[str, int]:
    """Return the line that explains `error`, and the exit code."""
    message, code = _explain(error)
    notes = getattr(error, "__notes__", ())
    return one_line(": ".join([message, *notes])), code


def _explain(error: BaseException) -> tuple[str, int]:
    match error:
        case Interrupted():
            return str(error), ENDED_BY_SIGNAL + error.number
        case InvalidInput():
            return str(error), INVALID_USAGE
        case CommandError():
            return str(error), error.exit_code
        case typer.TyperException():
            return _usage_error(error), error.exit_code
        case _:
            return _failure(error), FAILED


def _failure(error: BaseException) -> str:
    match error:
        case VigilityError():
            return str(error)
        case typer.Abort():
            return "no answer was given; nothing was changed"
        case OSError():
            return _system_error(error)
        case MemoryError():
            return "not enough memory"
        case _:
            return _unexpected_error(error)


def _usage_error(error: typer.TyperException) -> str:
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    if context is None:
        return message
    if getattr(error, "option_name", None) == "--database":
        return (
            f"{message} here: it goes before the command, as in vigility --database URL {context.info_name}"
        )
    return f"{message}. See: {context.command_path} --help"


def _system_error(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _unexpected_error(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"unexpected {type(error).__name__}, please report it: {error}{where}"


def _as_option(field: str) -> str:
    """Its option, if it is a value of a command: a variable or a place in a file keeps its name."""
    return "--" + field.replace("_", "-") if field.isidentifier() and field.islower() else field
