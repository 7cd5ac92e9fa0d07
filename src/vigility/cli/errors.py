"""The one place where errors become a line on stderr and an exit code.

0    done
1    the program could not do it, or not all of it
2    it was asked for something that cannot be (usage)
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
WRONG_USAGE: Final = 2
ENDED_BY_SIGNAL: Final = 128


class CommandError(Exception):
    """The command cannot do what it was asked; its text says why."""

    exit_code = FAILED


class UsageError(CommandError):
    """The command was asked for something that cannot be."""

    exit_code = WRONG_USAGE


@contextmanager
def named(**names: str) -> Iterator[None]:
    """Let errors about these fields of the core name what the user typed: `username="--user"`."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(names.get(error.field, _as_option(error.field)), error.rule) from None


def outcome(error: BaseException) -> tuple[str, int]:
    """The line that explains `error`, and the exit code."""
    message, code = _explained(error)
    notes = getattr(error, "__notes__", ())
    return one_line(": ".join([message, *notes])), code


def _explained(error: BaseException) -> tuple[str, int]:
    match error:
        case Interrupted():
            return str(error), ENDED_BY_SIGNAL + error.number
        case InvalidInput():
            return str(error), WRONG_USAGE
        case CommandError():
            return str(error), error.exit_code
        case typer.TyperException():
            return _usage(error), error.exit_code
        case _:
            return _failure(error), FAILED


def _failure(error: BaseException) -> str:
    match error:
        case VigilityError():
            return str(error)
        case typer.Abort():
            return "no answer was given, so nothing was done"
        case OSError():
            return _of_the_system(error)
        case MemoryError():
            return "there is not enough memory for this"
        case _:
            return _of_ours(error)


def _usage(error: typer.TyperException) -> str:
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    if context is None:
        return message
    if getattr(error, "option_name", None) == "--database":
        return (
            f"{message} here: it goes before the command, as in vigility --database URL {context.info_name}"
        )
    return f"{message}. See: {context.command_path} --help"


def _of_the_system(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _of_ours(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"unexpected {type(error).__name__}, please report it: {error}{where}"


def _as_option(field: str) -> str:
    return "--" + field.replace("_", "-")
