import gzip
import json
from datetime import UTC, datetime

import pytest

CSV = b"username,age,gender\nada,36,Female\nbob,16,Male\n"


def names(program):
    with program.open() as opened:
        return {user.username: (user.age, user.gender.value) for user in opened.users()}


def test_a_user_is_added_who_can_log_in(program):
    said = program.done(
        "users", "add", "ada", "--age", "36", "--gender", "Female", "--password", "correct horse"
    )
    assert said == "Added ada: 36, Female.\n"
    with program.open() as opened:
        assert opened.authenticate("ada", "correct horse").age == 36


def test_a_name_that_exists_is_refused(with_users):
    outcome = with_users("users", "add", "ada", "--age", "9", "--gender", "Male", "--password", "longenough")
    assert (outcome.code, outcome.err) == (1, "vigility: Username already exists\n")


@pytest.mark.parametrize("password", ["", "short", "x" * 129])
def test_a_password_that_breaks_the_rule_is_wrong_usage_and_not_repeated(program, password):
    outcome = program("users", "add", "ada", "--age", "9", "--gender", "Male", "--password", password)
    assert (outcome.code, outcome.err) == (2, "vigility: --password must have 8 to 128 characters\n")


def test_without_a_terminal_the_password_cannot_be_asked_for(program):
    outcome = program("users", "add", "ada", "--age", "36", "--gender", "Female")
    assert outcome.code == 1
    assert outcome.err == "vigility: the password cannot be asked for without a terminal: give --password\n"
    assert names(program) == {}


def test_at_a_terminal_the_password_is_asked_for_twice_and_unseen(program, in_terminal):
    added = ("--database", program.database, "users", "add", "ada", "--age", "36", "--gender", "Female")
    terminal = in_terminal(*added)
    terminal.wait_for("Password: ")
    terminal.type("correct horse\n")
    terminal.wait_for("Repeat for confirmation: ")
    terminal.type("correct horse\n")
    assert terminal.ended() == 0
    assert "horse" not in terminal.shown
    with program.open() as opened:
        assert opened.authenticate("ada", "correct horse").username == "ada"


@pytest.mark.parametrize(("typed", "code"), [("\x03", 130), ("\x04", 1)], ids=["Ctrl-C", "Ctrl-D"])
def test_leaving_the_question_adds_nobody(program, in_terminal, typed, code):
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
    today = datetime.now(UTC).date().isoformat()  # noqa: TID251 - when they were added is what is shown
    rows = [line.split() for line in with_users.done("users", "list").splitlines()]
    assert rows[0] == ["Id", "Username", "Age", "Gender", "Created", "Login"]
    assert [row[:4] + row[5:] for row in rows[2:5]] == [
        ["1", "ada", "36", "Female", "no"],
        ["2", "bob", "16", "Male", "no"],
        ["3", "eve", "50", "Other", "yes"],
    ]
    assert rows[2][4] <= today
    assert rows[5] == ["3", "users"]


def test_users_are_listed_for_machines_without_their_hashes(with_users):
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


def test_an_empty_list_says_what_to_do(program):
    assert "holds no users. To add one: vigility --database" in program.done("users", "list")
    assert program.done("users", "list", "--json") == "[]\n"


@pytest.mark.parametrize(
    "content", [CSV, gzip.compress(CSV, mtime=0), b"\xef\xbb\xbf" + CSV.replace(b"\n", b"\r\n")]
)
def test_users_are_imported_and_importing_again_changes_nothing(program, tmp_path, content):
    (tmp_path / "users").write_bytes(content)
    assert program.done("users", "import", "users") == "2 users added.\n"
    assert program.done("users", "import", "-", stdin=content) == "0 users added, 2 there before.\n"
    assert names(program) == {"ada": (36, "Female"), "bob": (16, "Male")}


def test_who_is_there_with_another_age_is_said_and_left(with_users):
    outcome = with_users("users", "import", "-", stdin=CSV.replace(b"36", b"37") + b"eve,50,Other\n")
    assert (outcome.code, outcome.out) == (0, "1 user added, 2 there before.\n")
    assert outcome.err == "ada exists with another age or gender, and was left so\n"
    assert names(with_users) == {"ada": (36, "Female"), "bob": (16, "Male"), "eve": (50, "Other")}


def test_wrong_rows_are_told_by_number_and_the_others_stored(program):
    rows = [b"", b"eve,0,Other", b"zoe,33", b" x,33,Male", b"ada,37,Female", b"ada,36,Female", b"dan,9,Male"]
    outcome = program("users", "import", "-", stdin=CSV + b"\n".join(rows))
    assert outcome.code == 1
    assert outcome.out == "3 users added, 4 wrong lines left out.\n"
    assert outcome.err.splitlines() == [
        "line 5: age must be a whole number from 1 to 120, not '0'",
        "line 6: has 2 columns, not 3 (username, age, gender)",
        "line 7: username must not be blank, nor begin or end with a space, not ' x'",
        "line 8: ada stands further up with another age or gender",
    ]
    assert names(program) == {"ada": (36, "Female"), "bob": (16, "Male"), "dan": (9, "Male")}


@pytest.mark.parametrize("content", [b"", b"ada,36,Female\n", b"username,age\n", b'{"username":"ada"}\n'])
def test_what_is_no_file_of_users_is_one_line(program, content):
    outcome = program("users", "import", "-", stdin=content)
    assert outcome.code == 1
    assert outcome.err.startswith(
        "vigility: stdin does not begin with the columns username, age, gender, but with "
    )
    assert outcome.err.count("\n") == 1


def test_imported_users_cannot_log_in(with_users):
    with with_users.open() as opened:
        assert opened.user("ada").password_hash is None
