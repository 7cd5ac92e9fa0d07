"""Several files in one run: in order, with one summary, and one command to continue."""

import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

HEADER = b"username,feature_name,timestamp\n"


def row(feature, user="ada"):
    return f"{user},{feature},2026-01-31T12:00:00Z\n".encode()


@pytest.fixture(autouse=True)
def files(program):  # noqa: ARG001 - which changes to the folder of the test
    Path("a.csv").write_bytes(HEADER + row("a") + row("x", "eve"))
    Path("b.csv").write_bytes(HEADER + row("b") * 2 + row("y", "eve"))


def test_files_are_stored_in_order_with_a_line_for_each(with_users):
    outcome = with_users("track", "--file", "a.csv", "--file", "b.csv", "--rejects", "rejects.csv")
    assert outcome.code == 1
    assert outcome.out == (
        "a.csv: 1 event stored.\nb.csv: 2 events stored.\n3 events stored, 2 invalid lines skipped.\n"
    )
    assert outcome.err == ("a.csv, line 3: no user is named 'eve'\nb.csv, line 4: no user is named 'eve'\n")
    assert Path("rejects.csv").read_bytes() == HEADER + row("x", "eve") + row("y", "eve")
    assert with_users.counts() == {"a": 1, "b": 2}


def test_files_of_different_kinds_can_be_combined(with_users, event):
    Path("c.jsonl.gz").write_bytes(gzip.compress(event()))
    outcome = with_users(
        "track", "--file", "c.jsonl.gz", "--file", "-", "--file", "a.csv", stdin=HEADER + row("s")
    )
    assert outcome.out.splitlines()[:3] == [
        "c.jsonl.gz: 1 event stored.",
        "stdin: 1 event stored.",
        "a.csv: 1 event stored.",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--file", "-", "--file", "-"], "--file - is given twice, but stdin can be read only once"),
        (["--file", "a.csv", "--file", ""], "--file must be the path of a file, not empty"),
        (
            ["--file", "a.csv", "--file", "./a.csv"],
            "--file ./a.csv is given twice: its events would be stored twice",
        ),
        (
            ["--file", "a.csv", "--file", "b.csv", "--rejects", "b.csv"],
            "--rejects and --file must be different files",
        ),
    ],
)
def test_a_file_is_given_once(with_users, arguments, message):
    outcome = with_users("track", *arguments, stdin=HEADER + row("s"))
    assert (outcome.code, outcome.err) == (2, f"vigility: {message}\n")
    assert with_users.counts() == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read c.csv"),
        (b"a,b\n1,2\n", "c.csv does not begin with"),
        (b"7z\xbc\xaf\x27\x1c", "c.csv is a 7z"),
    ],
)
def test_all_files_are_checked_before_the_first_is_stored(with_users, content, message):
    if content is not None:
        Path("c.csv").write_bytes(content)
    outcome = with_users("track", "--file", "a.csv", "--file", "c.csv")
    assert outcome.code == 1
    assert outcome.err.startswith(f"vigility: {message}")
    assert with_users.counts() == {}


def test_rejects_of_files_with_other_columns_are_not_mixed(with_users):
    Path("c.csv").write_bytes(b"feature_name,username,timestamp\nx,ada,2026-01-31T12:00:00Z\n")
    outcome = with_users("track", "--file", "a.csv", "--file", "c.csv", "--rejects", "r.csv")
    assert outcome.err.startswith(
        "vigility: c.csv has other columns or another encoding than the files before it"
    )
    assert with_users.counts() == {}
    assert with_users("track", "--file", "a.csv", "--file", "c.csv").out.endswith(
        "2 events stored, 1 invalid line skipped.\n"
    )


def test_a_failure_says_which_files_are_stored_and_how_to_continue(with_users):
    packed = gzip.compress(HEADER + row("c") * 30_000, mtime=0)
    Path("c.csv.gz").write_bytes(packed[:-100])
    options = ["--map", "username=Username", "--encoding", "utf-8"]
    files_given = ["--file", "a.csv", "--file", "c.csv.gz", "--file", "b.csv"]
    outcome = with_users("track", *files_given, "--rejects", "r.csv", *options)
    stored = with_users.counts()["c"]
    assert 0 < stored < 30_000
    resume = (
        "track --file c.csv.gz --file b.csv --rejects r.csv --encoding utf-8 --map username=Username "
        f"--from-line {stored + 2}"
    )
    assert outcome.err.splitlines()[-1] == (
        "vigility: c.csv.gz is truncated: it ends inside its gzip data: "
        "all valid events of a.csv are stored; "
        f"{stored:,} events of lines 2 to {stored + 1:,} are stored. To continue: "
        f"vigility --database {with_users.database} {resume}"
    )
    Path("c.csv.gz").write_bytes(packed)
    with_users(*resume.split())
    assert with_users.counts() == {"a": 1, "b": 2, "c": 30_000}
    assert Path("r.csv").read_bytes() == HEADER + row("x", "eve") + row("y", "eve")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--file", "a.csv", "--file", "-"], "--file - is given twice: its events would be stored twice"),
        (["--file", "-", "--rejects", "a.csv"], "--rejects and --file must be different files"),
    ],
)
def test_stdin_may_be_one_of_the_files(with_users, arguments, message):
    command = [sys.executable, "-m", "vigility", "--database", with_users.database, "track", *arguments]
    with Path("a.csv").open("rb") as file:
        ended = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (2, f"vigility: {message}\n")
    assert Path("a.csv").read_bytes().startswith(HEADER)
    assert with_users.counts() == {}


def test_a_pipe_is_read_once(with_users):
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_bytes(HEADER + row("p")))
    writer.start()
    outcome = with_users("track", "--file", "a.csv", "--file", "pipe")
    writer.join()
    assert outcome.out.splitlines()[:2] == ["a.csv: 1 event stored.", "pipe: 1 event stored."]


def test_from_line_one_keeps_the_rejects_of_the_run_before(with_users):
    Path("r.csv").write_bytes(HEADER + row("before", "eve"))
    with_users("track", "--file", "a.csv", "--rejects", "r.csv", "--from-line", "1")
    assert Path("r.csv").read_bytes() == HEADER + row("before", "eve") + row("x", "eve")
