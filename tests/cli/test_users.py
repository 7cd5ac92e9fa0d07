import gzip
import json

import pytest

CSV = b"username,age,gender\nada,36,Female\nbob,16,Male\n"


def names(program):
    with program.open() as opened:
        return {user.username: (user.age, user.gender.value) for user in opened.users.all()}


def test_an_added_user_can_sign_in(program):
    printed = program.done(
        "users", "add", "ada", "--age", "36", "--gender", "Female", "--password", "correct horse"
    )
    assert printed == "Added ada: 36, Female.\n"
    with program.open() as opened:
        assert opened.users.authenticate("ada", "correct horse").age == 36


def test_an_existing_name_is_rejected(with_users):
    outcome = with_users("users", "add", "ada", "--age", "9", "--gender", "Male", "--password", "longenough")
    assert (outcome.code, outcome.err) == (1, "vigility: Username already exists\n")


def test_an_existing_name_is_rejected_before_the_password_is_asked_for(with_users, monkeypatch):
    monkeypatch.setattr("vigility.cli.users._ask_password", lambda: pytest.fail("it was asked for"))
    outcome = with_users("users", "add", "ada", "--age", "9", "--gender", "Male")
    assert (outcome.code, outcome.err) == (1, "vigility: Username already exists\n")


@pytest.mark.parametrize("password", ["", "short", "x" * 129])
def test_an_invalid_password_is_invalid_usage_and_is_not_shown(program, password):
    outcome = program("users", "add", "ada", "--age", "9", "--gender", "Male", "--password", password)
    assert (outcome.code, outcome.err) == (2, "vigility: --password must have 8 to 128 characters\n")


def test_without_a_terminal_the_password_cannot_be_asked_for(program):
    outcome = program("users", "add", "ada", "--age", "36", "--gender", "Female")
    assert outcome.code == 1
    assert outcome.err == "vigility: there is no terminal to ask for the password: use --password\n"
    assert names(program) == {}


def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown(program, in_terminal):
    added = ("--database", program.database, "users", "add", "ada", "--age", "36", "--gender", "Female")
    terminal = in_terminal(*added)
    terminal.wait_for("Password: ")
    terminal.type("correct horse\n")
    terminal.wait_for("Repeat for confirmation: ")
    terminal.type("correct horse\n")
    assert terminal.ended() == 0
    assert "horse" not in terminal.shown
    with program.open() as opened:
        assert opened.users.authenticate("ada", "correct horse").username == "ada"


@pytest.mark.parametrize(("typed", "code"), [("\x03", 130), ("\x04", 1)], ids=["Ctrl-C", "Ctrl-D"])
def test_cancelling_the_password_prompt_adds_no_user(program, in_terminal, typed, code):
    terminal = in_terminal(
        "--database", program.database, "users", "add", "a", "--age", "9", "--gender", "Male"
    )
    terminal.wait_for("Password: ")
    terminal.type(typed)
    assert terminal.ended() == code
    assert "vigility: " in terminal.shown
    assert "Traceback" not in terminal.shown
    assert names(program) == {}


def test_users_are_listed(with_users):
    with_users.done("users", "add", "eve", "--age", "50", "--gender", "Other", "--password", "correct horse")
    rows = [line.split() for line in with_users.done("users", "list").splitlines()]
    assert rows[0] == ["Id", "Age", "Gender", "Created", "Sign-in", "Username"]
    assert [row[:3] + row[4:] for row in rows[1:4]] == [
        ["1", "36", "Female", "no", "ada"],
        ["2", "16", "Male", "no", "bob"],
        ["3", "50", "Other", "yes", "eve"],
    ]
    with with_users.open() as opened:
        assert [row[3] for row in rows[1:4]] == [str(user.created.date()) for user in opened.users.all()]
    assert rows[4:] == [[], ["3", "users"]]


def test_the_json_list_of_users_has_no_hashes(with_users):
    with_users.done(
        "users", "add", "zoë 表", "--age", "50", "--gender", "Other", "--password", "correct horse"
    )
    text = with_users.done("users", "list", "--json")
    listed = json.loads(text)
    assert [user["username"] for user in listed] == ["ada", "bob", "zoë 表"]
    assert listed[2].keys() == {"id", "username", "age", "gender", "created", "canLogIn"}
    assert [user["canLogIn"] for user in listed] == [False, False, True]
    assert listed[0]["created"].endswith("Z")
    assert "$2b$" not in text


def test_an_empty_list_explains_how_to_add_a_user(program):
    assert "has no users. To add one: vigility --database" in program.done("users", "list")
    assert program.done("users", "list", "--json") == "[]\n"


@pytest.mark.parametrize(
    "content", [CSV, gzip.compress(CSV, mtime=0), b"\xef\xbb\xbf" + CSV.replace(b"\n", b"\r\n")]
)
def test_users_are_imported_and_importing_again_changes_nothing(program, tmp_path, content):
    (tmp_path / "users").write_bytes(content)
    assert program.done("users", "import", "users") == "2 users added.\n"
    assert program.done("users", "import", "-", stdin=content) == "0 users added, 2 already stored.\n"
    assert names(program) == {"ada": (36, "Female"), "bob": (16, "Male")}


def test_an_existing_user_with_another_age_is_reported_and_not_changed(with_users):
    outcome = with_users("users", "import", "-", stdin=CSV.replace(b"36", b"37") + b"eve,50,Other\n")
    assert (outcome.code, outcome.out) == (0, "1 user added, 2 already stored.\n")
    assert outcome.err == "ada exists with another age or gender, and was not changed\n"
    assert names(with_users) == {"ada": (36, "Female"), "bob": (16, "Male"), "eve": (50, "Other")}


def test_invalid_rows_are_reported_by_number_and_the_others_are_stored(program):
    rows = [b"", b"eve,0,Other", b"zoe,33", b" x,33,Male", b"ada,37,Female", b"ada,36,Female", b"dan,9,Male"]
    outcome = program("users", "import", "-", stdin=CSV + b"\n".join(rows))
    assert outcome.code == 1
    assert outcome.out == "3 users added, 4 invalid lines skipped.\n"
    assert outcome.err.splitlines() == [
        "line 5: age must be a whole number from 1 to 120, not '0'",
        "line 6: has 2 columns, not 3 (username, age, gender)",
        "line 7: username must not be blank, nor begin or end with a space, not ' x'",
        "line 8: ada was on an earlier line with another age or gender",
    ]
    assert names(program) == {"ada": (36, "Female"), "bob": (16, "Male"), "dan": (9, "Male")}


@pytest.mark.parametrize("content", [b"", b"ada,36,Female\n", b"username,age\n", b'{"username":"ada"}\n'])
def test_a_file_that_is_not_of_users_is_an_error_of_one_line(program, content):
    outcome = program("users", "import", "-", stdin=content)
    assert outcome.code == 1
    assert outcome.err.startswith(
        "vigility: stdin does not begin with the columns username, age, gender, but with "
    )
    assert outcome.err.count("\n") == 1


def test_imported_users_cannot_sign_in(with_users):
    with with_users.open() as opened:
        assert opened.users.get("ada").password_hash is None
