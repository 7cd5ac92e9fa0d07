import codecs
import fcntl
import io
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import threading
from dataclasses import dataclass
from time import monotonic

import pytest

import vigility
from vigility.auth.passwords import BcryptHasher
from vigility.cli import context
from vigility.cli.main import run

# Seconds that a program in a terminal may take for all that a test does with it.
TIMEOUT_SECONDS = 120

QUICK_HASHER = BcryptHasher(rounds=4)


@dataclass
class Outcome:
    code: int
    out: str
    err: str


class Program:
    """Runs `vigility` in this process, with a database of its own."""

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
        """Run a command that must succeed without messages, and return its stdout."""
        outcome = self(*arguments, stdin=stdin)
        assert (outcome.code, outcome.err) == (0, ""), outcome
        return outcome.out

    def open(self):
        return vigility.connect(str(self.database), hasher=QUICK_HASHER)

    def counts(self):
        with self.open() as opened:
            return {total.label: total.value for total in opened.report().totals}


@pytest.fixture
def program(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    # Hashing a password at the real cost takes 0.2 s.
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


# Makes the terminal the controlling one of its session, so that Ctrl-C is a signal, then becomes the program.
# Not a `preexec_fn`: this process has threads.
IN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(1, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """A program that runs in a terminal of its own.

    A thread reads whatever it shows. The program never has to wait until a test reads its output, so a
    test may block on something else, such as its stdin.
    """

    def __init__(self, arguments, *, columns=100, stdin=None, **environment):
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        inherited = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES", "NO_COLOR"}}  # noqa: TID251
        program = [sys.executable, "-m", "vigility", *map(str, arguments)]
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", IN_TERMINAL, *program],
            stdin=slave if stdin is None else stdin,
            stdout=slave,
            stderr=slave,
            env={**inherited, "TERM": "xterm-256color", **environment},
            start_new_session=True,
        )
        os.close(slave)
        if self.process.stdin:
            os.set_blocking(self.process.stdin.fileno(), False)
        self._deadline = monotonic() + TIMEOUT_SECONDS
        self._changed = threading.Condition()
        self._shown = ""
        self._complete = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def shown(self):
        """What it showed so far."""
        with self._changed:
            return self._shown

    def wait_for(self, text):
        self.wait_until(lambda shown: text in shown)

    def wait_until(self, condition):
        """Wait until what is shown fulfils the condition."""
        with self._changed:
            self._changed.wait_for(lambda: condition(self._shown) or self._complete, self._seconds_left())
            assert condition(self._shown), f"not within {TIMEOUT_SECONDS} s: {self._shown[-2000:]!r}"

    def type(self, text):
        os.write(self._master, text.encode())

    def feed(self, data):
        """Write all of it to the program's stdin, for programs started with `stdin=PIPE`."""
        stdin, rest = self.process.stdin.fileno(), memoryview(data)
        while rest:
            _, ready, _ = select.select([], [stdin], [], self._seconds_left())
            assert ready, f"it does not read its stdin; it showed {self.shown[-2000:]!r}"
            rest = rest[os.write(stdin, rest) :]

    def ended(self):
        """Its exit code, after all that it shows was read."""
        with self._changed:
            self._changed.wait_for(lambda: self._complete, self._seconds_left())
            assert self._complete, f"not within {TIMEOUT_SECONDS} s: {self._shown[-2000:]!r}"
        return self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        self._reader.join()
        os.close(self._master)

    def _read(self):
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        try:
            while chunk := os.read(self._master, 1 << 16):
                with self._changed:
                    self._shown += decoder.decode(chunk)
                    self._changed.notify_all()
        except OSError:
            pass  # how Linux reports that no process has the terminal open
        finally:
            with self._changed:
                self._complete = True
                self._changed.notify_all()

    def _seconds_left(self):
        return max(0, self._deadline - monotonic())


@pytest.fixture
def in_terminal():
    """Starts programs in terminals, and ends those that still run after the test."""
    started = []

    def start(*arguments, **options):
        started.append(Terminal(arguments, **options))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()
