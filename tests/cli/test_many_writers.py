"""Several programs that write one SQLite file at the same time: batch jobs wait for each other."""

import fcntl
import json
import subprocess
import sys
from contextlib import contextmanager

import pytest

from vigility.core.events.tracking import BATCH_SIZE

IMPORTS = 5
AT = "2026-03-01T12:00:00Z"

RUN = """
import sys
from vigility.adapters.sql.sqlite import database
from vigility.cli.main import run
database.TIMEOUT_SECONDS, database.BATCH_JOB_SECONDS = float(sys.argv[1]), float(sys.argv[2])
sys.exit(run(sys.argv[3:]))
"""


def start(program, *arguments, timeout=0.05, give_up_after=60):
    command = [
        sys.executable,
        "-c",
        RUN,
        str(timeout),
        str(give_up_after),
        "--database",
        str(program.database),
    ]
    command += map(str, arguments)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.fixture
def file(tmp_path):
    """A file of two batches, with an event_id for each event."""
    path = tmp_path / "events.jsonl"
    with path.open("w") as lines:
        for number in range(BATCH_SIZE + 10):
            event = {
                "username": "ada",
                "feature_name": f"f{number % 20}",
                "timestamp": "2026-03-01T12:00:00Z",
            }
            event["event_id"] = f"123e4567-e89b-42d3-a456-{number:012}"
            lines.write(json.dumps(event) + "\n")
    return path


def test_imports_wait_for_each_other_even_if_only_one_of_them_stores_anything(with_users, file):
    """A single event would wait 0.05 s here. Without waiting for the others some of the imports gave up."""
    processes = [start(with_users, "track", "--file", file) for _ in range(IMPORTS)]
    outcomes = [finish(process) for process in processes]
    assert [(code, err) for code, _, err in outcomes] == [(0, "")] * IMPORTS
    assert sum(with_users.counts().values()) == BATCH_SIZE + 10
    with_users.done("summaries", "verify")


@contextmanager
def hanging_writer(path):
    """A program that holds the lock and does nothing."""
    with path.with_name(f"{path.name}-lock").open("r+") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize(
    "arguments",
    [["track", "--file", "FILE"], ["track", "x", "--user", "ada"], ["seed", "--yes"]],
    ids=" ".join,
)
def test_a_writer_that_hangs_is_reported_in_bounded_time(with_users, file, arguments):
    command = [file if argument == "FILE" else argument for argument in arguments]
    with hanging_writer(with_users.database):
        code, _, err = finish(start(with_users, *command, timeout=0.05, give_up_after=0.5))
    assert code == 1
    assert "another process has been writing for too long" in err
