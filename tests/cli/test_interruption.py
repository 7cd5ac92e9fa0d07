"""Ctrl-C, SIGTERM and kill -9: what was said to be stored is stored, and nothing is half stored."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vigility.cli.importing import EventImport
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


def said_to_be_stored(terminal):
    return max((int(number.replace(",", "")) for number in STORED.findall(terminal.shown)), default=0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_waiting_for_input_and_the_import_can_go_on(
    with_users, event, in_terminal, number, code
):
    lines = [event()] * (2 * BATCH_SIZE + 5)
    lines[10] = b"oops\n"
    reading, writing = os.pipe()
    terminal = in_terminal(
        "--database", with_users.database, "track", "--file", "-", stdin=reading, columns=200
    )
    os.close(reading)
    with open(writing, "wb") as pipe:  # noqa: PTH123
        pipe.write(b"".join(lines))  # the last five are no batch: it waits for more
        pipe.flush()
        terminal.wait_for(f"{2 * BATCH_SIZE - 1:,} events stored")
        os.kill(terminal.process.pid, number)
        assert terminal.ended() == code
    go_on = f"vigility --database {with_users.database} track --file - --from-line {2 * BATCH_SIZE + 1}"
    assert (
        f"vigility: Interrupted: {2 * BATCH_SIZE - 1:,} events of lines 1 to {2 * BATCH_SIZE:,} are stored. "
        f"To go on: {go_on}"
    ) in terminal.shown.replace("\r\n", "")
    assert "line 11: is not JSON" in terminal.shown
    assert sum(with_users.counts().values()) == 2 * BATCH_SIZE - 1
    with_users.done("summaries", "verify")
    with_users.done(*go_on.split()[1:], stdin=b"".join(lines))
    assert sum(with_users.counts().values()) == 2 * BATCH_SIZE + 4


@pytest.mark.parametrize("batches", [1, 2, 4])
def test_a_killed_import_leaves_whole_batches(with_users, event, in_terminal, batches):
    Path("events.jsonl").write_bytes(event() * (20 * BATCH_SIZE))
    terminal = in_terminal("--database", with_users.database, "track", "--file", "events.jsonl", columns=200)
    while said_to_be_stored(terminal) < batches * BATCH_SIZE:
        terminal.wait_for_more()
    terminal.process.kill()
    assert terminal.ended() == -signal.SIGKILL
    stored = sum(with_users.counts().values())
    assert said_to_be_stored(terminal) <= stored < 20 * BATCH_SIZE
    assert stored % BATCH_SIZE == 0
    with_users.done("summaries", "verify")
    assert with_users.done("track", "late", "--user", "ada").startswith("Tracked late")


def test_a_signal_during_the_storing_waits_for_its_end(with_users, event, signals, monkeypatch, capsys):
    Path("events.jsonl").write_bytes(event() * (2 * BATCH_SIZE))
    store = EventImport._store

    def store_interrupted(self, *arguments):
        os.kill(os.getpid(), signal.SIGINT)
        store(self, *arguments)

    monkeypatch.setattr(EventImport, "_store", store_interrupted)
    code = run(["--database", str(with_users.database), "track", "--file", "events.jsonl"], signals)
    assert code == 130
    assert (
        f"{BATCH_SIZE:,} events of lines 1 to {BATCH_SIZE:,} are stored. To go on: "
        in capsys.readouterr().err
    )
    assert sum(with_users.counts().values()) == BATCH_SIZE


def test_a_second_signal_ends_it_at_once(with_users, event, signals, monkeypatch, capsys):
    Path("events.jsonl").write_bytes(event() * 7)

    def stuck(*_):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the second signal must end it")

    monkeypatch.setattr(Importer, "store", stuck)
    code = run(["--database", str(with_users.database), "track", "--file", "events.jsonl"], signals)
    assert code == 130
    assert "no events are stored; whether those of lines 1 to 7 are is not known" in capsys.readouterr().err


def test_a_store_that_fails_says_what_is_stored(with_users, event, monkeypatch):
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


def test_seeding_that_is_interrupted_says_how_far_it_came(program, signals, monkeypatch, capsys):
    store = Importer.store

    def interrupted(self, events):
        os.kill(os.getpid(), signal.SIGTERM)
        return store(self, events)

    monkeypatch.setattr(Importer, "store", interrupted)
    assert run(["--database", str(program.database), "seed", "--events", "50000"], signals) == 143
    assert "Interrupted: 20,000 of 50,000 events are stored; seed again" in capsys.readouterr().err
    assert sum(program.counts().values()) == BATCH_SIZE


def test_signals_are_held_only_inside(signals):
    done = []

    def hold():
        with signals.held():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("to the end")

    with pytest.raises(Interrupted) as raised:
        hold()
    assert (done, raised.value.number) == (["to the end"], signal.SIGTERM)
    with pytest.raises(Interrupted):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_signal_that_the_program_was_started_to_ignore_stays_ignored(with_users, event):
    """As by nohup, or in the background of a script."""
    command = (
        f"trap '' INT; {sys.executable} -m vigility --database usage.db track --file - & program=$!; "
        "kill -INT $program; wait $program"
    )
    done = subprocess.run(
        ["sh", "-c", command], input=event(), capture_output=True, check=False, cwd=with_users.database.parent
    )
    assert done.returncode == 0, done.stderr
