"""Runs `vigility` in the process of the test, with a database of its own."""

import io
import sys
from dataclasses import dataclass

import pytest

import vigility
from vigility.auth.passwords import BcryptHasher
from vigility.cli import context
from vigility.cli.main import run

QUICK_HASHER = BcryptHasher(rounds=4)

A_CENTURY = 36_525
"""How many days old events may be, so that the tests' fixed times stay valid however late they run."""


@dataclass
class Outcome:
    code: int
    out: str
    err: str


class Program:
    """Runs commands on the database `usage.db` in a folder."""

    def __init__(self, folder, capsys, monkeypatch):
        self.database = folder / "usage.db"
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments, stdin=b""):
        return self.run("--database", str(self.database), *arguments, stdin=stdin)

    def run(self, *arguments, stdin=b""):
        """Run a command on the database that the settings choose."""
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        code = run(list(map(str, arguments)))
        captured = self._capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    def done(self, *arguments, stdin=b""):
        """Run a command that must succeed without messages, and return its stdout."""
        outcome = self(*arguments, stdin=stdin)
        assert (outcome.code, outcome.err) == (0, ""), outcome
        return outcome.out

    def open(self):
        return vigility.connect(str(self.database), hasher=QUICK_HASHER, oldest_event_days=A_CENTURY)

    def counts(self):
        with self.open() as opened:
            return {total.label: total.value for total in opened.report().totals}


@pytest.fixture
def program(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("VIGILITY_OLDEST_EVENT_DAYS", str(A_CENTURY))
    # Hashing a password at the real cost takes 0.2 s.
    connect = vigility.connect
    monkeypatch.setattr(
        context, "connect", lambda url, **options: connect(url, hasher=QUICK_HASHER, **options)
    )
    return Program(tmp_path, capsys, monkeypatch)


@pytest.fixture
def with_users(program):
    """A program whose database has ada (36, Female) and bob (16, Male)."""
    program.done("users", "import", "-", stdin=b"username,age,gender\nada,36,Female\nbob,16,Male\n")
    return program
