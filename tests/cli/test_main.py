"""What holds for every command: help, errors, exit codes, streams."""

import json
import subprocess
import sys

import pytest
import typer

from vigility.cli import app as app_module
from vigility.cli.app import app
from vigility.cli.main import run
from vigility.version import __version__

NOT_FOR_HELP = {"sqlalchemy", "alembic", "rich", "msgspec", "matplotlib", "bcrypt"}
NOT_FOR_TRACK = {"alembic", "rich", "msgspec", "matplotlib"}


def commands():
    """Every command and group, with the words that call it."""

    def below(command, words):
        yield words, command
        for name, inner in getattr(command, "commands", {}).items():
            yield from below(inner, (*words, name))

    return list(below(typer.main.get_command(app), ()))


def modules_loaded_by(*arguments, cwd):
    """The modules of a fresh process after it ran a command."""
    code = (
        "import sys, json; from vigility.cli.main import run\n"
        "assert run(sys.argv[1:]) == 0; sys.stderr.write(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stderr))


@pytest.mark.parametrize(("words", "command"), commands(), ids=[" ".join(words) for words, _ in commands()])
def test_every_command_and_option_has_a_help_text(program, words, command):
    shown = program.done(*words, "--help")
    assert command.help
    assert all(parameter.help for parameter in command.params), command.name
    if not hasattr(command, "commands"):
        assert "Examples:" in shown
        assert f"  vigility{' --database' if 'vigility --' in shown else ''}" in shown


@pytest.mark.parametrize("words", [(), ("users",), ("summaries",), ("db",)])
def test_descriptions_of_commands_fit_in_60_columns(program, words, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    listed = program.done(*words).partition("Commands:")[2]
    assert listed
    assert "..." not in listed


def test_version(program):
    assert program.done("--version") == f"vigility {__version__}\n"


@pytest.mark.parametrize("words", [(), ("users",), ("summaries",), ("db",)])
def test_without_a_command_the_help_is_shown(program, words):
    assert program.done(*words) == program.done(*words, "--help")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "No such command 'nope'. See: vigility --help"),
        (["report", "--unheard-of"], "No such option: --unheard-of. See: vigility report --help"),
        (["report", "--start"], "Option '--start' requires an argument"),
        (["users", "add"], "Missing argument 'NAME'. See: vigility users add --help"),
        (["seed", "--events", "many"], "--events"),
        (["seed", "--events", "-1"], "--events"),
        (["track", "a", "b", "c"], "Got unexpected extra argument"),
        (
            ["report", "--database", "x.db"],
            "it goes before the command, as in vigility --database URL report",
        ),
        (["report", "--gender", "male"], "--gender must be one of Male, Female, Other, not 'male'"),
        (["report", "--age-group", "7"], "--age-group must be one of <18, 18-40, >40, not '7'"),
        (["report", "--start", "2026-02-30"], "--start must be a day of the calendar as YYYY-MM-DD"),
        (["report", "--end", "soon"], "--end must be a day of the calendar"),
        (["report", "--feature", " x"], "--feature must not be blank, nor begin or end with a space"),
        (["report", "--json", "--csv"], "--json and --csv cannot be combined"),
        (["track", "x"], "needs FEATURE and --user NAME, or --file PATH. See: vigility track --help"),
        (["track", "x", "--user", ""], "--user is required"),
        (["track", "x", "--user", "ada", "--file", "f"], "--file cannot be combined with FEATURE"),
        (["track", "x", "--user", "ada", "--from-line", "2"], "--rejects and --from-line need --file"),
        (
            ["users", "add", "x", "--age", "0", "--gender", "Male"],
            "--age must be a whole number from 1 to 120",
        ),
        (
            ["users", "add", "a\x1b", "--age", "9", "--gender", "Male"],
            "NAME must not hold control characters",
        ),
    ],
)
def test_invalid_usage_is_one_line_and_exit_code_2(program, arguments, message):
    outcome = program(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("vigility: ")
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert "\x1b" not in outcome.err


def test_an_unknown_database_url_is_invalid_usage_and_its_password_is_not_shown(program):
    outcome = program.run("--database", "oracle://ada:secret@host/x", "report")
    assert outcome.code == 2
    assert outcome.err.startswith("vigility: --database (or DATABASE_URL) must be")
    assert "secret" not in outcome.err


def test_the_database_is_taken_from_the_environment(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/other.db")
    assert run(["users", "list"]) == 0
    assert f"{tmp_path}/other.db has no users" in capsys.readouterr().out
    assert (tmp_path / "other.db").exists()


def test_a_file_that_is_not_a_database_is_an_error_of_one_line(program):
    program.database.write_text("not a database")
    outcome = program("report")
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert outcome.err.startswith("vigility: ")
    assert "usage.db" in outcome.err


def test_an_unexpected_error_is_one_line_too(program, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("bad\nluck")

    monkeypatch.setattr(app_module, "run_context", fail)
    outcome = program("report")
    assert outcome.code == 1
    assert outcome.err.startswith("vigility: unexpected ZeroDivisionError, please report it: bad luck (")
    assert outcome.err.count("\n") == 1


def test_help_loads_only_what_it_needs(tmp_path):
    assert not NOT_FOR_HELP & modules_loaded_by("--help", cwd=tmp_path)


def test_tracking_loads_only_what_it_needs(program):
    program.done("seed")
    loaded = modules_loaded_by(
        "--database", str(program.database), "track", "x", "--user", "user1", cwd=program.database.parent
    )
    assert not NOT_FOR_TRACK & loaded


def test_a_closed_pipe_is_not_an_error_message(program):
    with program.open() as opened:
        opened.register("ada", "a long password", 36, "Female")
        opened.track_many(
            ("ada", f"feature {number}", None, None) for number in range(8_000)
        )  # more than a pipe holds
    with subprocess.Popen(
        [sys.executable, "-m", "vigility", "--database", program.database, "report", "--csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == b'"feature","count"\n'
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk_is_an_error():
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "vigility", "--version"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "vigility: No space left on device\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_a_missing_stream_is_not_an_error(program, closed):
    command = f"{sys.executable} -m vigility --database {program.database} report {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert (done.returncode, done.stderr) == (0, "")


def test_completion_offers_commands_and_values():
    def offered(words):
        variables = (
            f"_VIGILITY_COMPLETE=complete_bash COMP_WORDS='{words}' COMP_CWORD={len(words.split()) - 1}"
        )
        code = "from vigility.cli.main import main; main()"
        command = f'{variables} {sys.executable} -c "{code}"'
        return subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout.split()  # noqa: S602

    assert offered("vigility se") == ["seed", "serve"]
    assert offered("vigility report --gender F") == ["Female"]
    assert offered("vigility report --age-group 1") == ["18-40"]
