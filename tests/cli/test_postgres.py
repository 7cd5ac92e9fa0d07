"""`vigility copy` and `vigility db` with PostgreSQL."""

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import vigility
from support import postgres
from vigility.adapters.sql.schema_version import REVISIONS
from vigility.cli.main import run

pytestmark = pytest.mark.postgres

NEWEST = REVISIONS[-1]
COPIED = re.compile(r"([\d,]+) events? copied")


@pytest.fixture
def bare():
    url = postgres.bare_database()
    yield url
    postgres.drop(url)


def report(url):
    with vigility.connect(str(url)) as v:
        assert v.maintenance.verify_rollups() == []
        return v.report().totals, v.users.all()


def test_there_and_back_with_a_kill_in_between(program, bare, in_terminal):
    program.done("seed", "--events", "240000", "--random-seed", "3")
    terminal = in_terminal("copy", program.database, bare, columns=200)
    terminal.wait_until(lambda shown: any(int(n.replace(",", "")) for n in COPIED.findall(shown)))
    os.kill(terminal.process.pid, signal.SIGKILL)
    assert terminal.ended() == -signal.SIGKILL
    assert program.done("copy", program.database, bare).splitlines()[-1] == (
        "Verified: the target holds the same 240,000 events and daily rollups as the source."
    )
    assert report(bare) == report(program.database)
    with vigility.connect(bare) as v:
        assert v.track("user1", "later").id == 240_001
        assert v.users.add_without_password("later", 20, "Other").id == 11
    program.done("copy", bare, "back.db")
    assert report("back.db") == report(bare)


def test_a_database_is_not_copied_into_itself(program, bare):
    program.done("seed")
    program.done("copy", program.database, bare)
    outcome = program("copy", bare, bare.replace("127.0.0.1", "localhost"))
    assert outcome.code == 2
    assert outcome.err == "vigility: TARGET_URL must be another database than the source\n"


def test_passwords_are_not_shown(program):
    program.done("seed")
    outcome = program("copy", program.database, "postgresql://vigility:hush@127.0.0.1:1/usage")
    assert outcome.code == 1
    assert "hush" not in outcome.err
    assert "127.0.0.1:1" in outcome.err


def test_concurrent_upgrades_upgrade_once(bare, capsys):
    assert run(["--database", bare, "db", "check"]) == 3
    assert "no tables yet" in capsys.readouterr().out
    command = [sys.executable, "-m", "vigility", "--database", bare, "db", "upgrade"]
    with ThreadPoolExecutor(4) as pool:
        done = list(
            pool.map(lambda _: subprocess.run(command, capture_output=True, text=True, check=False), range(4))
        )
    assert [(process.returncode, process.stderr) for process in done] == [(0, "")] * 4
    assert run(["--database", bare, "db", "check"]) == 0
    assert run(["--database", bare, "db", "current"]) == 0
    assert capsys.readouterr().out.endswith(f"{NEWEST} (revision {NEWEST}, up to date)\n")


def test_a_newer_schema_is_reported(bare, capsys):
    run(["--database", bare, "db", "upgrade"])
    postgres.sql(bare, "UPDATE vigility_schema SET version_num = '9999'")
    assert run(["--database", bare, "db", "check"]) == 4
    assert run(["--database", bare, "db", "upgrade"]) == 1
    assert "revision 9999" in capsys.readouterr().err
