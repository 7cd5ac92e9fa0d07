"""Output in a terminal: colours, widths, progress, rates."""

import io
import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.text import Text

from vigility.cli.console import rate
from vigility.cli.main import run
from vigility.core.events.tracking import BATCH_SIZE

ESCAPE = "\x1b["


def plain(shown):
    """What is shown, without colours."""
    return [Text.from_ansi(line).plain for line in shown.split("\r\n")]


@pytest.fixture
def seeded(program):
    program.done("seed", "--random-seed", "1")
    return program


@pytest.mark.parametrize("columns", [60, 120])
def test_a_terminal_gets_colours_and_no_line_wider_than_it(seeded, in_terminal, columns):
    terminal = in_terminal("--database", seeded.database, "report", "--feature", "zoom", columns=columns)
    assert terminal.ended() == 0
    assert ESCAPE in terminal.shown
    assert all(cell_len(line) <= columns for line in plain(terminal.shown))


def test_no_color_is_respected(seeded, in_terminal):
    terminal = in_terminal("--database", seeded.database, "report", NO_COLOR="1")
    assert terminal.ended() == 0
    assert "█" in terminal.shown
    assert f"{ESCAPE}3" not in terminal.shown


def test_a_pipe_gets_no_escapes(seeded):
    command = [sys.executable, "-m", "vigility", "--database", seeded.database, "report"]
    assert b"\x1b" not in subprocess.run(command, capture_output=True, check=True).stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_output_works_in_any_encoding(with_users, event, encoding, monkeypatch):
    with_users.done("track", "--file", "-", stdin=event(feature="表 é 😀"))
    for arguments in (
        ["report"],
        ["report", "--json"],
        ["report", "--csv"],
        ["track", "表", "--user", "eve 😀"],
    ):
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", streams[0])
            patched.setattr(sys, "stderr", streams[1])
            code = run(["--database", str(with_users.database), *arguments])
        out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams)
        assert code == (arguments[0] == "track")
        assert "unexpected" not in err
        assert bool(out) != bool(err)


def test_an_import_shows_its_progress_and_leaves_one_line(with_users, event, in_terminal, tmp_path):
    (tmp_path / "events.jsonl").write_bytes(event() * (3 * BATCH_SIZE) + b"oops\n")
    terminal = in_terminal("--database", with_users.database, "track", "--file", "events.jsonl")
    assert terminal.ended() == 1
    # Which batches are seen depends on their speed: the bar is drawn five times a second, and at its end.
    seen = "|".join(f"{batches * BATCH_SIZE:,}" for batches in (1, 2, 3))
    assert re.search(f"({seen}) events stored(?!,)", terminal.shown)
    assert "line 60,001: is not JSON" in terminal.shown
    assert plain(terminal.shown)[-2].startswith("60,000 events stored, 1 invalid line skipped")


@pytest.mark.parametrize(("is_terminal", "shown_rate"), [(False, ""), (True, " (5 per second)")])
@pytest.mark.parametrize(
    ("command", "summary"),
    [
        (("track", "--file", "events.jsonl"), "100 events stored"),
        (("copy", "usage.db", "moved.db"), "Copied 10 users and 100 events"),
    ],
)
def test_rates_are_shown_only_on_a_terminal(
    seeded, event, monkeypatch, command, summary, is_terminal, shown_rate
):
    Path("events.jsonl").write_bytes(event(user="user1") * 100)
    monkeypatch.setattr(f"vigility.cli.{command[0]}.perf_counter", itertools.count(0, 20).__next__)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    assert seeded.done(*command).splitlines()[0] == f"{summary}{shown_rate}."


def test_quick_commands_show_no_rate(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert rate(100, 0.9) == ""
    assert rate(0, 9) == ""


def test_a_large_seed_shows_its_progress(program, in_terminal):
    terminal = in_terminal("--database", program.database, "seed", "--events", 2 * BATCH_SIZE)
    assert terminal.ended() == 0
    # Which batches are seen depends on their speed: the bar is drawn five times a second, and at its end.
    assert re.search(rf"({BATCH_SIZE:,}|{2 * BATCH_SIZE:,}) events stored", terminal.shown)
