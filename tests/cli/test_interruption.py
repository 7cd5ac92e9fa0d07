"""Ctrl-C, SIGTERM and kill -9: what was reported as stored is stored, and no batch is stored in part."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vigility.cli.event_import import EventImport
from vigility.cli.main import run
from vigility.cli.signals import Interrupted, Signals
from vigility.core.errors import StoreUnavailable
from vigility.core.events.tracking import BATCH_SIZE, Importer

STORED = re.compile(r"([\d,]+) events? stored")


@pytest.fixture
def signals():
    """Signals handled as in the program, until the test ends."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handled = Signals()
    handled.install()
    yield handled
    for number, handler in before.items():
        signal.signal(number, handler)


def reported_events(shown):
    return max((int(number.replace(",", "")) for number in STORED.findall(shown)), default=0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_an_import_that_waits_for_input_and_it_can_be_continued(
    with_users, event, in_terminal, number, code
):
    lines = [event()] * (2 * BATCH_SIZE + 5)
    lines[10] = b"oops\n"
    arguments = ("--database", with_users.database, "track", "--file", "-")
    terminal = in_terminal(*arguments, stdin=subprocess.PIPE, columns=200)
    terminal.feed(b"".join(lines))  # the last five are not a batch: it waits for more
    terminal.wait_for(f"{2 * BATCH_SIZE - 1:,} events stored")
    os.kill(terminal.process.pid, number)
    assert terminal.ended() == code
    resume = f"vigility --database {with_users.database} track --file - --from-line {2 * BATCH_SIZE + 1}"
    assert (
        f"vigility: Interrupted: {2 * BATCH_SIZE - 1:,} events of lines 1 to {2 * BATCH_SIZE:,} are stored. "
        f"To continue: {resume}"
    ) in terminal.shown.replace("\r\n", "")
    assert "line 11: is not JSON" in terminal.shown
    assert sum(with_users.counts().values()) == 2 * BATCH_SIZE - 1
    with_users.done("summaries", "verify")
    with_users.run(*resume.split()[1:], stdin=b"".join(lines))
    assert sum(with_users.counts().values()) == 2 * BATCH_SIZE + 4


@pytest.mark.parametrize("batches", [1, 2, 4])
def test_a_killed_import_leaves_complete_batches(with_users, event, in_terminal, batches):
    arguments = ("--database", with_users.database, "track", "--file", "-")
    terminal = in_terminal(*arguments, stdin=subprocess.PIPE, columns=200)
    lines = event() * BATCH_SIZE
    while reported_events(terminal.shown) < batches * BATCH_SIZE:
        terminal.feed(lines)
    terminal.process.kill()
    assert terminal.ended() == -signal.SIGKILL
    stored = sum(with_users.counts().values())
    assert stored >= reported_events(terminal.shown) > 0
    assert stored % BATCH_SIZE == 0
    with_users.done("summaries", "verify")
    assert with_users.done("track", "late", "--user", "ada").startswith("Tracked late")


def test_a_signal_while_a_batch_is_stored_is_deferred(with_users, event, signals, monkeypatch, capsys):
    Path("events.jsonl").write_bytes(event() * (2 * BATCH_SIZE))
    store = EventImport._store

    def store_interrupted(self, *arguments):
        os.kill(os.getpid(), signal.SIGINT)
        store(self, *arguments)

    monkeypatch.setattr(EventImport, "_store", store_interrupted)
    code = run(["--database", str(with_users.database), "track", "--file", "events.jsonl"], signals)
    assert code == 130
    assert (
        f"{BATCH_SIZE:,} events of lines 1 to {BATCH_SIZE:,} are stored. To continue: "
        in capsys.readouterr().err
    )
    assert sum(with_users.counts().values()) == BATCH_SIZE


def test_a_second_signal_ends_the_import_at_once(with_users, event, signals, monkeypatch, capsys):
    Path("events.jsonl").write_bytes(event() * 7)

    def stuck(*_):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the second signal must end it")

    monkeypatch.setattr(Importer, "store", stuck)
    code = run(["--database", str(with_users.database), "track", "--file", "events.jsonl"], signals)
    assert code == 130
    assert (
        "no events are stored; it is not known whether those of lines 1 to 7 are stored"
        in capsys.readouterr().err
    )


def test_a_storage_error_reports_what_is_stored(with_users, event, monkeypatch):
    store, batches = Importer.store, []

    def fail_the_second(self, events):
        batches.append(events)
        if len(batches) == 2:
            raise StoreUnavailable("the disk is full")
        return store(self, events)

    monkeypatch.setattr(Importer, "store", fail_the_second)
    outcome = with_users("track", "--file", "-", stdin=event() * (2 * BATCH_SIZE))
    assert outcome.code == 1
    assert (
        f"vigility: the disk is full: {BATCH_SIZE:,} events of lines 1 to {BATCH_SIZE:,} are" in outcome.err
    )
    assert "not known" not in outcome.err


def test_an_interrupted_seed_reports_what_is_stored(program, signals, monkeypatch, capsys):
    store = Importer.store

    def interrupted(self, events):
        os.kill(os.getpid(), signal.SIGTERM)
        return store(self, events)

    monkeypatch.setattr(Importer, "store", interrupted)
    assert run(["--database", str(program.database), "seed", "--events", "50000"], signals) == 143
    assert "Interrupted: 20,000 of 50,000 events are stored; run seed again" in capsys.readouterr().err
    assert sum(program.counts().values()) == BATCH_SIZE


def test_signals_are_deferred_only_inside_the_block(signals):
    done = []

    def interrupt():
        with signals.deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("to the end")

    with pytest.raises(Interrupted) as raised:
        interrupt()
    assert (done, raised.value.number) == (["to the end"], signal.SIGTERM)
    with pytest.raises(Interrupted):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_signal_that_was_ignored_at_the_start_stays_ignored(with_users, event):
    """As by nohup, or in the background of a script."""
    command = (
        f"trap '' INT; {sys.executable} -m vigility --database usage.db track --file - & program=$!; "
        "kill -INT $program; wait $program"
    )
    done = subprocess.run(
        ["sh", "-c", command], input=event(), capture_output=True, check=False, cwd=with_users.database.parent
    )
    assert done.returncode == 0, done.stderr
