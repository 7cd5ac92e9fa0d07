import fcntl
import io
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from time import monotonic

import pytest

import vigility
from vigility.auth.passwords import BcryptHasher
from vigility.cli import context
from vigility.cli.main import run

# Seconds that a program in a terminal may take for all that a test does with it.
PATIENCE = 60

QUICK_HASHER = BcryptHasher(rounds=4)


@dataclass
class Outcome:
    code: int
    out: str
    err: str


class Program:
    """Runs `vigility` in this process, on a database of its own."""

    def __init__(self, folder, capsys, monkeypatch):
        self.database = folder / "usage.db"
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments, stdin=b""):
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        code = run(["--database", str(self.database), *map(str, arguments)])
        captured = self._capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    def done(self, *arguments, stdin=b""):
        """What it writes to stdout where all goes well."""
        outcome = self(*arguments, stdin=stdin)
        assert (outcome.code, outcome.err) == (0, ""), outcome
        return outcome.out

    def open(self):
        return vigility.connect(str(self.database), hasher=QUICK_HASHER)

    def counts(self):
        with self.open() as opened:
            return {entry.feature: entry.count for entry in opened.report().features}


@pytest.fixture
def program(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    # The real cost of a password's hash is 0.2 s.
    connect = vigility.connect
    monkeypatch.setattr(context, "connect", lambda url: connect(url, hasher=QUICK_HASHER))
    return Program(tmp_path, capsys, monkeypatch)


@pytest.fixture
def with_users(program):
    """A program whose database has ada (36, Female) and bob (16, Male)."""
    program.done("users", "import", "-", stdin=b"username,age,gender\nada,36,Female\nbob,16,Male\n")
    return program


def event(user="ada", feature="date_filter", at="2026-01-31T12:00:00Z", **more):
    """An event as a line of JSON."""
    import json

    return json.dumps({"username": user, "feature_name": feature, "timestamp": at, **more}).encode() + b"\n"


@pytest.fixture(name="event")
def event_line():
    return event


class Terminal:
    """A program that runs with a terminal of its own; what it shows can be awaited."""

    def __init__(self, arguments, *, columns=100, stdin=None, **environment):
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        inherited = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES", "NO_COLOR"}}  # noqa: TID251
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vigility", *map(str, arguments)],
            stdin=slave if stdin is None else stdin,
            stdout=slave,
            stderr=slave,
            env={**inherited, "TERM": "xterm-256color", **environment},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
        )
        os.close(slave)
        self.shown = ""
        self._deadline = monotonic() + PATIENCE

    def wait_for(self, text):
        while text not in self.shown:
            assert self._read(), f"it ended without showing {text!r}, but {self.shown!r}"

    def wait_for_more(self):
        assert self._read(), f"it ended; it showed {self.shown!r}"

    def type(self, text):
        os.write(self._master, text.encode())

    def ended(self):
        """Its exit code, after all it shows was read."""
        while self._read():
            pass
        return self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _read(self):
        ready, _, _ = select.select([self._master], [], [], max(0, self._deadline - monotonic()))
        assert ready, f"not within {PATIENCE} s; it showed {self.shown[-2000:]!r}"
        try:
            chunk = os.read(self._master, 1 << 16)
        except OSError:  # how Linux says that nobody has the terminal open any more
            return False
        self.shown += chunk.decode(errors="replace")
        return bool(chunk)


@pytest.fixture
def in_terminal():
    """Start programs in terminals; whatever happens, none is left running."""
    started = []

    def start(*arguments, **options):
        started.append(Terminal(arguments, **options))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()
