"""The entry point: what every run of `vigility` does, whatever the command."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from vigility.cli.signals import Signals


def main() -> None:
    """Run the command that the process was started with, and exit."""
    signals = Signals()
    signals.install()
    sys.exit(run(sys.argv[1:], signals))


def run(arguments: Sequence[str], signals: Signals | None = None) -> int:
    """Run a command in this process and return its exit code. Errors are one line on stderr."""
    signals = signals or Signals()
    _prepare_streams()
    try:
        code = _call(arguments, signals)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the one place where errors end
        signals.release()
        code = _failed(error)
    return code if _all_written() else code or 1


def _call(arguments: Sequence[str], signals: Signals) -> int:
    # Imported here: the signals above are handled while it loads.
    from vigility.cli.app import app
    from vigility.cli.context import RunContext

    session = RunContext(signals=signals)
    result = app(list(arguments), standalone_mode=False, prog_name="vigility", obj=session)
    return result if isinstance(result, int) else session.exit_code


def _failed(error: BaseException) -> int:
    if isinstance(error, BrokenPipeError):  # as in `vigility report | head -1`: nobody wants the rest
        return 1
    if isinstance(error, SystemExit):  # Typer's, after completions and where its reader went away
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    from vigility.cli.errors import outcome

    message, code = outcome(error)
    with suppress(OSError):  # nobody is left to be told
        print(f"vigility: {message}", file=sys.stderr, flush=True)  # noqa: T201
    return code


def _all_written() -> bool:
    """Whether the streams took everything. What they did not is dropped, or Python would complain."""
    complete = True
    for stream in filter(None, (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)):
        try:
            stream.flush()
        except OSError:
            complete = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return complete


def _prepare_streams() -> None:
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # the process was started without it, as by `>&-`
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
    if isinstance(sys.stdout.buffer, io.RawIOBase):
        # PYTHONUNBUFFERED: what one write leaves over, as where Ctrl-Z stops the program, would be lost.
        sys.stdout = open(sys.stdout.fileno(), "w", encoding=sys.stdout.encoding, closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # What an encoding has no letters for is shown as an escape; it is no reason to end.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
