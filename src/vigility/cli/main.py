"""The entry point: what every run of `vigility` does, whatever the command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from vigility.cli.signals import Signals


def main() -> None:
    """Run the command that the process was started with, and exit."""
    signals = Signals()
    signals.install()
    sys.exit(run(sys.argv[1:], signals))


def run(arguments: Sequence[str], signals: Signals | None = None) -> int:
    """Run a command in this process and return its exit code. Errors are one line on stderr."""
    _open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        # What an encoding has no letters for is shown as an escape; it is no reason to end.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = _call(arguments, signals or Signals())
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the one place where errors end
        return _failed(error)
    return code


def _call(arguments: Sequence[str], signals: Signals) -> int:
    # Imported here: the signals above are handled while it loads.
    from vigility.cli.app import app
    from vigility.cli.session import Session

    session = Session(signals=signals)
    result = app(list(arguments), standalone_mode=False, prog_name="vigility", obj=session)
    return result if isinstance(result, int) else session.exit_code


def _failed(error: BaseException) -> int:
    if isinstance(error, BrokenPipeError):
        return _reader_went_away()
    if isinstance(error, SystemExit):
        return _exited(error)
    from vigility.cli.errors import outcome

    message, code = outcome(error)
    try:
        print(f"vigility: {message}", file=sys.stderr, flush=True)  # noqa: T201
    except OSError:  # nobody is left to be told
        return _reader_went_away()
    return code


def _exited(error: SystemExit) -> int:
    # Typer exits by itself after writing completions, and where its reader went away.
    try:
        for stream in filter(None, (sys.stdout, sys.__stdout__)):
            stream.flush()
    except OSError:
        return _reader_went_away()
    return error.code if isinstance(error.code, int) else int(error.code is not None)


def _reader_went_away() -> int:
    # As in `vigility report | head -1`. Python would complain once more when it closes the streams.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())
    return 1


def _open_missing_streams() -> None:
    """Give the process the standard streams that it was started without (`>&-`)."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
