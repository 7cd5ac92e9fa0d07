import codecs
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import threading
from time import monotonic

import pytest

from support.program import program, with_users  # noqa: F401 - fixtures

# Seconds that a program in a terminal may take for all that a test does with it.
TIMEOUT_SECONDS = 120


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
        command = [sys.executable, "-m", "vigility", *map(str, arguments)]
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", IN_TERMINAL, *command],
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
