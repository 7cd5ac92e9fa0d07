"""The entry point: what every run of `vigility` does, whatever the command."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from vigility.cli.signals import Signals


def main() -> None:
    """Run the command of this process's arguments, and exit."""
    signals = Signals()
    signals.install()
    sys.exit(run(sys.argv[1:], signals))


def run(arguments: Sequence[str], signals: Signals | None = None) -> int:
    """Run a command in this process and return its exit code. Each error is one line on stderr."""
    signals = signals or Signals()
    _prepare_streams()
    try:
        code = _call(arguments, signals)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the only place that handles all errors
        signals.release()
        code = _report_error(error)
    return code if _flush_all() else code or 1


def _call(arguments: Sequence[str], signals: Signals) -> int:
    # Imported here: the signals are already handled while this loads.
    from vigility.cli.app import app
    from vigility.cli.context import RunContext

    context = RunContext(signals=signals)
    result = app(list(arguments), standalone_mode=False, prog_name="vigility", obj=context)
    return result if isinstance(result, int) else context.exit_code


def _report_error(error: BaseException) -> int:
    if isinstance(error, BrokenPipeError):  # as in `vigility report | head -1`: nobody reads the rest
        return 1
    if isinstance(error, SystemExit):  # Typer raises it after completions and when its reader is gone
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    from vigility.cli.errors import outcome

    message, code = outcome(error)
    with suppress(OSError):  # stderr is closed
        print(f"vigility: {message}", file=sys.stderr, flush=True)  # noqa: T201
    return code


def _flush_all() -> bool:
    """Flush all streams; return whether that worked.

    What a stream does not take is dropped. Otherwise Python would complain at exit.
    """
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
        # With PYTHONUNBUFFERED, a write that is cut short, as when Ctrl-Z stops the program, loses the rest.
        sys.stdout = open(sys.stdout.fileno(), "w", encoding=sys.stdout.encoding, closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # Characters that the encoding lacks are escaped instead of raising an error.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
