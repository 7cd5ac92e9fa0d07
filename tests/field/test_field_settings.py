"""Settings as people write them. The numbers are those of the inputs and of the items of issue 11."""

import json
from pathlib import Path

import pytest

from vigility.config import Settings, load_settings, variable_of
from vigility.core.errors import InvalidInput

SECRET = "x" * 40


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for field in Settings.model_fields:
        monkeypatch.delenv(variable_of(field), raising=False)


def dotenv(content):
    Path(".env").write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    "command",
    [
        ["users", "add", "ada", "--age", "36", "--gender", "Female", "--password", "correct horse"],
        ["users", "list"],
        ["users", "import", "-"],
        ["seed", "--events", "1"],
        ["report"],
        ["track", "--file", "-"],
        ["summaries", "verify"],
        ["db", "upgrade"],
    ],
    ids=" ".join,
)
def test_04_item_3_every_command_uses_the_database_that_the_server_uses(program, command):
    Path("data").mkdir()
    dotenv("DATABASE_URL=sqlite:///data/usage.db\n")
    assert load_settings().database_url == "sqlite:///data/usage.db"
    outcome = program.run(*command, stdin=b"username,age,gender\n" if "import" in command else b"")
    assert outcome.code == 0, outcome
    assert Path("data/usage.db").exists()
    assert not list(Path().glob("*.db"))


def test_04_item_3_the_environment_comes_before_the_file_and_the_option_before_both(program, monkeypatch):
    dotenv("DATABASE_URL=file.db\n")
    assert program.run("users", "list").out.startswith("file.db has no users")
    monkeypatch.setenv("DATABASE_URL", "environment.db")
    assert program.run("users", "list").out.startswith("environment.db has no users")
    assert program.run("--database", "option.db", "users", "list").out.startswith("option.db has no users")


def test_04_item_3_hints_repeat_what_is_needed_to_reach_the_same_database(program, monkeypatch):
    dotenv("DATABASE_URL=file.db\n")
    assert "To add one: vigility users add" in program.run("users", "list").out
    monkeypatch.setenv("DATABASE_URL", "other.db")
    assert "To add one: vigility --database other.db users add" in program.run("users", "list").out


def configuration(program, *options):
    return {line["name"]: line for line in json.loads(program.run(*options, "config", "--json").out)}


def test_item_3_config_shows_each_setting_and_where_it_is_from(program, monkeypatch):
    dotenv(
        f"# comment\nexport PORT=8199\nJWT_SECRET='{SECRET}'\nDATABASE_URL=postgresql://ada:geheim@db:1/x\n"
    )
    monkeypatch.setenv("VIGILITY_HOST", "0.0.0.0")  # noqa: S104
    shown = configuration(program)
    assert list(shown) == [variable_of(field) for field in Settings.model_fields]
    place = {"hidden": False, "from": "file", "file": str(Path(".env").absolute())}
    assert shown["PORT"] == {"name": "PORT", "value": 8199, **place, "line": 2}
    assert shown["DATABASE_URL"] == {
        "name": "DATABASE_URL",
        "value": "postgresql://…@db:1/x",
        **place,
        "line": 4,
    }
    assert shown["JWT_SECRET"] == {
        "name": "JWT_SECRET",
        "value": None,
        **place,
        "hidden": True,
        "line": 3,
    }
    assert shown["VIGILITY_HOST"]["from"] == "environment"
    assert shown["VIGILITY_GRACE_SECONDS"]["from"] == "default"
    chosen = configuration(program, "--database", "x.db")["DATABASE_URL"]
    assert (chosen["value"], chosen["from"]) == ("x.db", "option")


@pytest.mark.parametrize("columns", ["60", "120"])
def test_item_3_config_as_a_table_shows_whole_names_and_no_secret(program, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    dotenv(f"JWT_SECRET={SECRET}\nDATABASE_URL=postgresql://ada:geheim@db:1/x\nVIGILITY_WORKER=3\n")
    outcome = program.run("config")
    assert all(variable_of(field) in outcome.out for field in Settings.model_fields)
    assert "(hidden)" in outcome.out
    assert ".env, line 2" in outcome.out
    assert not any(secret in outcome.out + outcome.err for secret in (SECRET, "geheim", "ada"))
    assert max(map(len, outcome.out.splitlines()[:20])) <= int(columns)
    assert "VIGILITY_WORKER (" in outcome.err
    assert outcome.err.endswith("line 3) is not a setting; did you mean VIGILITY_WORKERS?\n")


@pytest.mark.parametrize("name", ["VIGILITY_MAX_FEATURES", "VIGILITY_OLDEST_EVENT_DAYS"])
@pytest.mark.parametrize(
    ("value", "code"),
    [("5", 0), (" 5 ", 0), ("", 0), ("0", 2), ("1_0", 2), ("1.0", 2), ("\u0665", 2), ("9999999", 2)],
)
def test_item_3_every_command_takes_the_same_values(program, monkeypatch, name, value, code):
    program.done("users", "add", "ada", "--age", "36", "--gender", "Female", "--password", "a long password")
    monkeypatch.setenv(name, value)
    for command in (["config"], ["track", "zoom", "--user", "ada"]):
        outcome = program(*command)
        assert (outcome.code, outcome.err[:45].startswith(f"vigility: {name} must be") or not code) == (
            code,
            True,
        )


def test_item_3_config_names_an_invalid_setting_and_its_place(program):
    dotenv("\n\nPORT=http\n")
    outcome = program.run("config")
    assert outcome.code == 2
    assert outcome.err == f"vigility: PORT ({Path('.env').absolute()}, line 3) must be a whole number\n"
    dotenv("DATABASE_URL=oracle://ada:geheim@db/x\n")
    outcome = program.run("config")
    assert outcome.err.startswith(
        f"vigility: DATABASE_URL ({Path('.env').absolute()}, line 1) must be sqlite:///PATH"
    )
    assert "geheim" not in outcome.err


@pytest.mark.parametrize(
    "around", ["{}\n", "{}\r\n", "{}  ", " {}", "\t{}\n\n", "\ufeff{}", "{}\xa0", "{}\u200b ", "\u2060{}"]
)
def test_13_item_20_what_surrounds_a_value_does_not_count(program, monkeypatch, around):
    monkeypatch.setenv("DATABASE_URL", around.format("sqlite:///here.db"))
    monkeypatch.setenv("JWT_SECRET", around.format(SECRET))
    monkeypatch.setenv("PORT", around.format("8199"))
    assert program.run("users", "list").code == 0
    assert [path.name for path in Path().glob("here*") if path.suffix == ".db"] == ["here.db"]
    settings = load_settings()
    assert (settings.jwt_secret.get_secret_value(), settings.port) == (SECRET, 8199)


@pytest.mark.parametrize("option", ["--database", "environment"])
@pytest.mark.parametrize("value", ["a\nb.db", "a\tb.db", "a\u200bb.db", "'a.db'", '"sqlite:///a.db"'])
def test_13_item_20_a_database_of_a_strange_name_is_refused(program, monkeypatch, option, value):
    if option == "environment":
        monkeypatch.setenv("DATABASE_URL", value)
    outcome = program.run(*(["--database", value] if option == "--database" else []), "users", "list")
    assert outcome.code == 2
    rules = ("must be one line, without control", "must not be in quotes", "invisible characters like U+200B")
    assert any(rule in outcome.err for rule in rules)
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32", "utf-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_13_item_20_a_file_of_windows_is_read(program, encoding, end):
    dotenv(f"PORT=8199{end}DATABASE_URL=here.db{end}VIGILITY_HOST='::1'{end}".encode(encoding))
    settings = load_settings()
    assert (settings.port, settings.database_url, settings.host) == (8199, "here.db", "::1")
    assert program.run("users", "list").out.startswith("here.db has no users")


@pytest.mark.parametrize(
    ("content", "line", "rule"),
    [
        (
            "PORT=8199\n".encode("utf-16-le"),
            None,
            "holds NUL bytes, as UTF-16 without its mark does; save the",
        ),
        (b"PORT=1\n# caf\xe9\n", 2, "is not valid UTF-8; save the file as UTF-8"),
        (b"\xff\xfeP\0O\0R", None, "is not valid UTF-16; save the file as UTF-8"),
        (b"PORT=1\n\n  PORT 8199\n", 3, "must be NAME=VALUE, or begin with #"),
        (b"PORT=1\nDATABASE_URL\n", 2, "must be NAME=VALUE, or begin with #"),
        (b'PORT=1\nJWT_SECRET="geheim\n', 2, "must be NAME=VALUE, or begin with #"),
    ],
)
def test_13_item_20_a_file_that_cannot_be_read_is_named_with_the_line(program, content, line, rule):
    dotenv(content)
    for outcome in (program.run("config"), program.run("users", "list")):
        place = f"{Path('.env').absolute()}" + (f", line {line}" if line else "")
        assert outcome.code == 2
        assert outcome.err.startswith(f"vigility: {place}")
        assert rule in outcome.err
        assert "geheim" not in outcome.err
    assert program.run("--help").code == 0
    assert program.run("--database", "x.db", "users", "list").code == 0


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("pgbouncer=true", "has parameters that PostgreSQL's libpq does not know: pgbouncer"),
        (
            "sslmode=require&schema=a&pgbouncer=b",
            "has parameters that PostgreSQL's libpq does not know: pgbouncer, schema",
        ),
        ("Connect_Timeout=3", "has parameters that PostgreSQL's libpq does not know: Connect_Timeout"),
        ("sslmode=require&sslmode=disable", "must have each parameter once, not sslmode several times"),
        ("application_name=50%", "has a % without two hexadecimal digits behind it: write %25 for a %"),
    ],
)
def test_13_item_20_a_parameter_that_cannot_be_used_is_named(program, query, rule):
    pytest.importorskip("psycopg")
    outcome = program.run("--database", f"postgresql://u:geheim@127.0.0.1:1/db?{query}", "users", "list")
    assert outcome.code == 2
    assert outcome.err == f"vigility: --database (or DATABASE_URL) {rule}\n"


def test_13_item_20_the_parameters_of_libpq_are_taken():
    parameters = pytest.importorskip("vigility.adapters.sql.postgres.parameters")
    told = parameters.parameters_of("postgresql://u@h/db?sslmode=require&options=-c%20a%3Db&ssl=true")
    assert told["options"] == "-c a=b"
    with pytest.raises(InvalidInput):
        parameters.parameters_of("postgresql://u@h/db?sslmode=require&wrong=1")
