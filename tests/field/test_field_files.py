"""Files as people have them. The numbers are those of the inputs and of the items of issue 11."""

import csv
import io
import uuid
from pathlib import Path

import pytest

INPUTS = Path(__file__).with_name("inputs")
INCH_MARKS = INPUTS / "01-inch-marks.csv"


def given(name):
    return INPUTS / name


def test_01_item_2_inch_marks_swallow_nothing(with_users):
    assert with_users.done("track", "--file", INCH_MARKS) == "12 events stored.\n"
    assert with_users.counts() == {'open 24" screen': 3, "pan": 3, "save": 3, "zoom": 3}


def test_01_item_2_rejects_are_accepted_when_they_are_fixed(with_users):
    Path("f.csv").write_bytes(INCH_MARKS.read_bytes().replace(b"ada", b"eve"))
    outcome = with_users("track", "--file", "f.csv", "--rejects", "r.csv")
    assert outcome.out == "0 events stored, 12 invalid lines skipped.\n"
    assert outcome.err.count("no user is named 'eve'") == 12
    Path("r.csv").write_bytes(Path("r.csv").read_bytes().replace(b"eve", b"ada"))
    assert with_users.done("track", "--file", "r.csv") == "12 events stored.\n"


@pytest.mark.parametrize(
    "feature",
    ['24"', '24" x 36"', 'a"b"c', '""', 'say "hi"', '24"" wide', "it's", '"'],
)
def test_01_item_2_a_quote_inside_a_cell_is_data(with_users, feature):
    """Whatever csv.reader reads of the line is stored, and the lines after it too."""
    line = f"ada,x{feature},2026-03-01T09:00:00Z"
    content = "username,feature_name,timestamp\n" + f"{line}\nada,zoom,2026-03-01T09:00:00Z\n" * 3
    with_users.done("track", "--file", "-", stdin=content.encode())
    expected = next(csv.reader(io.StringIO(line)))[1]
    assert with_users.counts() == {expected: 3, "zoom": 3}


@pytest.mark.parametrize("broken", ['ada,"zoom,2026-03-01T09:00:00Z', 'ada,"24" wide,2026-03-01T09:00:00Z'])
@pytest.mark.parametrize(
    "later", ["", 'ada,"quoted",2026-03-01T09:00:00Z\n', 'ada,36",2026-03-01T09:00:00Z\n']
)
def test_01_item_2_a_quote_that_is_left_open_loses_its_record_only(with_users, broken, later):
    """If its end is not found. `36",` ends it like any quoted value; then the message says it."""
    good = "ada,pan,2026-03-01T09:00:00Z\n"
    content = f"username,feature_name,timestamp\n{good}{broken}\n{good * 300}{later}"
    outcome = with_users("track", "--file", "-", "--rejects", "r.csv", stdin=content.encode())
    if later.startswith("ada,36") and "24" not in broken:
        assert outcome.err.startswith("line 3: feature_name must have at most 100 characters, not 8732")
        assert "(this record goes on to line 304: its quotes hold line breaks)" in outcome.err
        assert outcome.out == "1 event stored, 1 invalid record of 302 lines skipped.\n"
        assert len(Path("r.csv").read_text(encoding="utf-8").splitlines()) == 303
    else:
        assert outcome.out == f"{301 + bool(later)} events stored, 1 invalid line skipped.\n"
        assert outcome.err.startswith("line 3: is not well-formed CSV: ")


def test_06_item_5_all_files_are_imported(with_users):
    printed = with_users.done("track", "--file", given("06-a.csv"), "--file", given("06-b.csv"))
    assert printed.endswith("06-b.csv: 1 event stored.\n2 events stored.\n")
    assert with_users.counts() == {"pan": 1, "zoom": 1}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--database", "x.db", "--database", "y.db", "users", "list"],
        ["--database=x.db", "--database=y.db", "config"],
        ["track", "x", "--user", "ada", "--user", "bob"],
        ["track", "--file", "f", "--rejects", "a", "--rejects", "b"],
        ["report", "--start", "2026-01-01", "--end", "2026-01-02", "--start", "2026-01-03"],
        ["report", "--png", "a.png", "--png", "b.png"],
        ["users", "add", "x", "--age", "3", "--age", "4", "--gender", "Male"],
        ["serve", "--port", "1", "--port", "2"],
        ["seed", "--events", "1", "--events", "2"],
        ["users", "import", "-", "--encoding", "latin-1", "--encoding", "utf-8"],
    ],
    ids=" ".join,
)
def test_06_item_5_a_repeated_option_is_refused_by_every_command(program, arguments):
    outcome = program.run(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert "takes one value, but is given 2 times. See: vigility" in outcome.err
    assert list(Path().iterdir()) == []


def test_06_item_5_the_option_overrides_the_environment(program, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "other.db")
    program.done("users", "list")
    assert not Path("other.db").exists()


def test_09_item_19_a_further_column_is_named_and_ignored(with_users):
    outcome = with_users("track", "--file", given("09-extra-column.csv"))
    assert (outcome.code, outcome.out) == (0, "1 event stored.\n")
    assert outcome.err.endswith("09-extra-column.csv: ignored columns: country\n")


@pytest.mark.parametrize("name", ["10-semicolon-excel.csv", "10-utf16.csv"])
def test_10_item_19_what_excel_writes_is_read(with_users, name):
    assert with_users.done("track", "--file", given(name)) == "1 event stored.\n"
    assert with_users.counts() == {"zoom": 1}


def test_item_19_a_preview_stores_nothing(with_users):
    printed = with_users.done("track", "--file", INCH_MARKS, "--dry-run")
    assert printed.startswith("12 events would be stored.\n")
    assert with_users.counts() == {}


def test_item_21_a_repeated_event_id_says_so(with_users):
    sent = ["track", "x", "--user", "ada", "--event-id", str(uuid.UUID(int=7))]
    assert with_users.done(*sent).startswith("Tracked x for ada at ")
    assert with_users.done(*sent).startswith("Already stored (same event_id): x for ada at ")
    assert with_users.counts() == {"x": 1}


@pytest.mark.parametrize(("option", "name"), [("--png", "x.jpg"), ("--png", "x.svg"), ("--svg", "x.PNG")])
def test_item_21_charts_are_not_written_under_a_name_of_another_format(with_users, option, name):
    outcome = with_users("report", option, name)
    suffix = name.partition(".")[2]
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        f"vigility: {option} cannot write a file that ends with .{suffix}: --png FILE.png and --svg FILE.svg "
        "are possible\n"
    )
    assert not Path(name).exists()


@pytest.mark.parametrize("name", ["x.png", "x.PNG", "x"])
def test_item_21_a_fitting_name_or_one_without_an_ending_is_taken(with_users, name):
    assert with_users("report", "--png", name).code == 0
    assert Path(name).read_bytes().startswith(b"\x89PNG")
