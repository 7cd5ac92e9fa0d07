"""`track`: one event, and files of them."""

import gzip
import json
import uuid
from pathlib import Path

import pytest

from vigility.core.events.tracking import BATCH_SIZE, Importer

CSV = b"""\
username,feature_name,timestamp
ada,date_filter,2026-01-31T12:00:00Z
bob,export_data,2026-01-31T13:00:00Z
"""

OTHER_ORDER = b"""\
timestamp,event_id,feature_name,username
2026-01-31T12:00:00Z,,date_filter,ada
2026-01-31T13:00:00Z,,export_data,bob
"""


def days(program, feature):
    printed = json.loads(program.done("report", "--feature", feature, "--json"))
    return {point["date"]: point["count"] for point in printed["lineChartData"] if point["count"]}


def test_one_event_is_stored_and_confirmed(with_users):
    printed = with_users.done("track", "date_filter", "--user", "ada", "--at", "2026-01-31T23:30:00-01:00")
    assert printed == "Tracked date_filter for ada at 2026-02-01T00:30:00.000Z.\n"
    assert days(with_users, "date_filter") == {"2026-02-01": 1}


def test_an_event_sent_again_with_its_id_counts_once(with_users):
    sent = ["track", "x", "--user", "ada", "--event-id", str(uuid.uuid4()), "--at", "2026-01-31T12:00:00Z"]
    what = "x for ada at 2026-01-31T12:00:00.000Z.\n"
    assert with_users.done(*sent) == f"Tracked {what}"
    assert with_users.done(*sent) == f"Already stored (same event_id): {what}"
    assert with_users.counts() == {"x": 1}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["x", "--user", "eve"], 1, "no user is named 'eve'"),
        (["x", "--user", "ada", "--at", "noon"], 2, "--at must be an ISO 8601 time with a zone"),
        (
            ["x", "--user", "ada", "--at", "2026-01-31T12:00:00"],
            2,
            "--at must be an ISO 8601 time with a zone",
        ),
        (["x", "--user", "ada", "--event-id", "7"], 2, "--event-id must be a UUID"),
        (["x" * 101, "--user", "ada"], 2, "FEATURE must have at most 100 characters"),
    ],
)
def test_an_invalid_event_is_one_line_and_stores_nothing(with_users, arguments, code, message):
    outcome = with_users("track", *arguments)
    assert outcome.code == code
    assert outcome.err.startswith(f"vigility: {message}")
    assert outcome.err.count("\n") == 1
    assert with_users.counts() == {}


def test_the_id_of_another_event_is_rejected(with_users):
    event_id = str(uuid.uuid4())
    with_users.done("track", "x", "--user", "ada", "--event-id", event_id)
    outcome = with_users("track", "y", "--user", "ada", "--event-id", event_id)
    assert (outcome.code, with_users.counts()) == (1, {"x": 1})


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("events", "json"),
        ("events", "csv"),
        ("events.jsonl", "json"),
        ("events.csv", "csv"),
        ("events.csv.gz", "csv"),
        ("-", "json"),
        ("-", "csv"),
    ],
)
def test_json_and_csv_files_are_read_plain_and_compressed(with_users, event, compress, name, kind):
    content = compress(event() + event("bob", "export_data") if kind == "json" else CSV)
    if name != "-":
        Path(name).write_bytes(content)
    printed = with_users.done("track", "--file", name, stdin=content if name == "-" else b"")
    assert printed == "2 events stored.\n"
    assert with_users.counts() == {"date_filter": 1, "export_data": 1}
    assert days(with_users, "date_filter") == {"2026-01-31": 1}


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + CSV,
        gzip.compress(b"\xef\xbb\xbf" + CSV, mtime=0),
        gzip.compress(CSV[:50], mtime=0) + gzip.compress(CSV[50:], mtime=0),
        CSV.replace(b"\n", b"\r\n"),
        CSV.rstrip(b"\n"),
        b"\n" + CSV.replace(b"\n", b"\n\n") + b" \n\n",
        CSV.replace(b"date_filter", b'"date_filter"'),
        OTHER_ORDER,
    ],
    ids=[
        "mark",
        "compressed mark",
        "two gzip members",
        "CRLF",
        "no last break",
        "blank lines",
        "quotes",
        "order",
    ],
)
def test_common_variants_of_csv_are_read(with_users, content):
    assert with_users.done("track", "--file", "-", stdin=content) == "2 events stored.\n"


def test_common_variants_of_json_lines_are_read(with_users, event):
    content = b"\xef\xbb\xbf\n" + event().replace(b"\n", b"\r\n") + b"\n  \n" + b"  " + event(event_id=None)
    assert with_users.done("track", "--file", "-", stdin=content) == "2 events stored.\n"


def test_equal_events_all_count_and_repeated_ids_count_once(with_users, event):
    event_id = str(uuid.uuid4())
    content = event() * 3 + event(event_id=event_id) * 2
    printed = with_users.done("track", "--file", "-", stdin=content)
    assert printed == "4 events stored, 1 already stored (same event_id).\n"
    printed = with_users.done("track", "--file", "-", stdin=event(event_id=event_id.upper()))
    assert printed == "0 events stored, 1 already stored (same event_id).\n"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0), CSV.splitlines()[0]],
    ids=["empty", "blank lines", "mark", "compressed", "header"],
)
def test_a_file_without_events_is_no_error(with_users, content):
    assert with_users.done("track", "--file", "-", stdin=content) == "0 events stored.\n"


INVALID_JSON = [
    (b"{", "is not JSON: Input data was truncated"),
    (b"[1]", "is not a JSON object"),
    (b"7", "is not a JSON object"),
    (b"[" * 5_000, "is not JSON: "),
    (b'{"username":"ada","feature_name":"x"}', "timestamp is required"),
    (b'{"username":"ada","feature_name":"x","timestamp":null}', "timestamp is required"),
    (
        b'{"username":"ada","feature_name":"x","timestamp":1}',
        "timestamp must be an ISO 8601 time with a zone",
    ),
    (b'{"username":"ada","feature_name":"x","timestamp":"2026-01-31"}', "timestamp must be an ISO 8601 time"),
    (b'{"username":"eve","feature_name":"x","timestamp":"2026-01-31T12:00:00Z"}', "no user is named 'eve'"),
    (b'{"username":7,"feature_name":"x","timestamp":"2026-01-31T12:00:00Z"}', "username must be text, not 7"),
    (b'{"feature_name":"x","timestamp":"2026-01-31T12:00:00Z"}', "username is required"),
    (b'{"username":"ada","timestamp":"2026-01-31T12:00:00Z"}', "feature_name is required"),
    (b'{"username":"ada","feature_name":"","timestamp":"2026-01-31T12:00:00Z"}', "feature_name is required"),
    (
        b'{"username":"ada","feature_name":"x","timestamp":"2026-01-31T12:00:00Z","event_id":"1"}',
        "event_id must be a UUID",
    ),
    (
        b'{"username":"ada","feature_name":"x","timestamp":"2026-01-31T12:00:00Z","age":3}',
        "unknown key 'age': the keys are username, feature_name, timestamp, event_id",
    ),
    (b'{"username":"ad\xff","feature_name":"x","timestamp":"2026-01-31T12:00:00Z"}', "is not valid UTF-8"),
    (b'{"username":"ada","feature_name":"\x1b[31m","timestamp":"x"}', "is not JSON: "),
    (
        b'{"username":"ada","feature_name":"\\u001b[31m","timestamp":"2026-01-31T12:00:00Z"}',
        "feature_name must not",
    ),
]

INVALID_CSV = [
    (b"ada,x", "has 2 columns, not 3 (username, feature_name, timestamp)"),
    (b"ada,x,2026-01-31T12:00:00Z,", "has 4 columns, not 3"),
    (b"ada,x,", "timestamp is required"),
    (b",x,2026-01-31T12:00:00Z", "username is required"),
    (b"ada, x,2026-01-31T12:00:00Z", "feature_name must not be blank, nor begin or end with a space"),
    (b'"ada"x,x,2026-01-31T12:00:00Z', "is not well-formed CSV"),
    (b"ada,\xe9,2026-01-31T12:00:00Z", "is not valid UTF-8"),
    (b'ada,"two\nlines",2026-01-31T12:00:00Z', "feature_name must not hold control characters"),
    (b"ada," + b"x" * 200_000 + b",2026-01-31T12:00:00Z", "is not well-formed CSV"),
    (b"ada,a\rb,2026-01-31T12:00:00Z", "is not well-formed CSV"),
]


def check_invalid_line(program, name, parts, number, reason):
    """Of a valid, an invalid and a valid record, the invalid one is reported and kept; others are stored."""
    header, valid, invalid = parts
    Path(name).write_bytes(header + valid + invalid + b"\n" + valid)
    outcome = program("track", "--file", name, "--rejects", "rejects")
    assert outcome.code == 1
    lines = invalid.count(b"\n") + 1
    skipped = "1 invalid line" if lines == 1 else f"1 invalid record of {lines} lines"
    assert outcome.out == f"2 events stored, {skipped} skipped.\n"
    assert outcome.err.startswith(f"line {number}: {reason}")
    assert outcome.err.count("\n") == 1
    assert "\x1b" not in outcome.err
    assert Path("rejects").read_bytes() == header + invalid + b"\n"
    assert program.counts() == {"date_filter": 2}


@pytest.mark.parametrize(("line", "reason"), INVALID_JSON, ids=range(len(INVALID_JSON)))
def test_an_invalid_line_of_json_is_reported_and_kept_and_the_others_are_stored(
    with_users, event, line, reason
):
    check_invalid_line(with_users, "events.jsonl", (b"", event(), line), 2, reason)


@pytest.mark.parametrize(("line", "reason"), INVALID_CSV, ids=range(len(INVALID_CSV)))
def test_an_invalid_line_of_csv_is_reported_and_kept_and_the_others_are_stored(with_users, line, reason):
    header, valid, _ = CSV.splitlines(keepends=True)
    check_invalid_line(with_users, "events.csv", (header, valid, line), 3, reason)


def test_rejects_can_be_fixed_and_sent_again(with_users, tmp_path):
    content = CSV.replace(b"bob", b"bobby").replace(b"\n", b"\r\n")
    outcome = with_users("track", "--file", "-", "--rejects", "rejects.csv", stdin=content)
    assert outcome.err == "line 3: no user is named 'bobby'\n"
    rejects = tmp_path / "rejects.csv"
    assert rejects.read_bytes() == content.splitlines(True)[0] + content.splitlines(True)[2]
    rejects.write_bytes(rejects.read_bytes().replace(b"bobby", b"bob"))
    assert with_users.done("track", "--file", rejects) == "1 event stored.\n"
    assert with_users.counts() == {"date_filter": 1, "export_data": 1}


def test_line_numbers_are_right_after_quotes_and_blank_lines(with_users):
    rows = [
        b"username,feature_name,timestamp",
        b"",
        b'ada,"a',
        b'b",t',
        b"",
        b"eve,x,2026-01-31T12:00:00Z",
        b"ada",
    ]
    outcome = with_users("track", "--file", "-", stdin=b"\n".join(rows))
    assert [line.split(":")[0] for line in outcome.err.splitlines()] == ["line 3", "line 6", "line 7"]


def test_an_unclosed_quote_invalidates_only_its_line(with_users):
    good = CSV.splitlines(keepends=True)[1]
    content = CSV.splitlines(keepends=True)[0] + good + b'ada,"x,2026-01-31T12:00:00Z\n' + good * 500
    outcome = with_users("track", "--file", "-", stdin=content)
    assert outcome.out == "501 events stored, 1 invalid line skipped.\n"
    assert outcome.err.startswith("line 3: is not well-formed CSV")


def test_only_the_first_invalid_lines_are_shown(with_users, tmp_path):
    outcome = with_users("track", "--file", "-", "--rejects", "rejects", stdin=b"{}\n" * 1_234)
    assert outcome.code == 1
    shown = outcome.err.splitlines()
    assert shown[:2] == ["line 1: timestamp is required", "line 2: timestamp is required"]
    assert (len(shown), shown[-1]) == (21, "and 1,214 more invalid lines")
    assert (tmp_path / "rejects").read_bytes() == b"{}\n" * 1_234


def test_invalid_lines_of_later_batches_have_the_right_numbers(with_users, event):
    lines = [event()] * (2 * BATCH_SIZE + 100)
    for number in (1, BATCH_SIZE, BATCH_SIZE + 1, 2 * BATCH_SIZE + 100):
        lines[number - 1] = b"oops\n"
    outcome = with_users("track", "--file", "-", stdin=b"".join([b"\n", *lines]))
    numbers = [line.split(":")[0].replace(",", "") for line in outcome.err.splitlines()]
    last = 2 * BATCH_SIZE + 101
    assert numbers == [f"line {number}" for number in (2, BATCH_SIZE + 1, BATCH_SIZE + 2, last)]
    assert with_users.counts() == {"date_filter": 2 * BATCH_SIZE + 96}


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (None, "missing.csv", "cannot read missing.csv: No such file or directory"),
        (None, ".", "cannot read .: Is a directory"),
        (
            b"a,b\n1,2\n",
            "x.csv",
            "x.csv does not begin with the columns username, feature_name, timestamp and opti",
        ),
        (CSV.split(b"\n", 1)[1], "x.csv", "x.csv does not begin with the columns"),
        (b"username,feature_name,age\n", "x.csv", "x.csv does not begin with the columns"),
        (b"username,username,feature_name,timestamp\n", "x.csv", "x.csv does not begin with the columns"),
        (CSV.replace(b",", b":"), "x.csv", "x.csv does not begin with the columns"),
        (b'[{"username": "ada"}]', "x.json", "x.json begins with a JSON list"),
        (b"\x00\x01\x02\xff", "x", "x does not begin with the columns"),
    ],
)
def test_a_file_that_is_not_of_events_is_an_error_of_one_line(with_users, tmp_path, content, name, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    outcome = with_users("track", "--file", name)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(f"vigility: {message}")
    assert outcome.err.count("\n") == 1
    assert with_users.counts() == {}


def test_a_truncated_file_is_stored_as_far_as_it_goes(with_users, event, tmp_path):
    lines = b"".join(event(feature=f"feature {number % 9}") for number in range(2 * BATCH_SIZE))
    compressed = gzip.compress(lines, mtime=0)
    (tmp_path / "cut.gz").write_bytes(compressed[:-100])
    outcome = with_users("track", "--file", "cut.gz")
    stored = sum(with_users.counts().values())
    assert outcome.code == 1
    assert BATCH_SIZE < stored < 2 * BATCH_SIZE
    assert outcome.err == (
        f"vigility: cut.gz is truncated: it ends inside its gzip data: {stored:,} events of lines 1 to "
        f"{stored:,} are stored. To continue: vigility --database {with_users.database} track --file cut.gz "
        f"--from-line {stored + 1}\n"
    )
    (tmp_path / "cut.gz").write_bytes(compressed)
    with_users.done("track", "--file", "cut.gz", "--from-line", stored + 1)
    assert sum(with_users.counts().values()) == 2 * BATCH_SIZE


def test_damaged_gzip_data_is_an_error(with_users, event):
    compressed = bytearray(gzip.compress(event() * 1_000))
    compressed[60] ^= 0xFF
    outcome = with_users("track", "--file", "-", stdin=bytes(compressed))
    assert outcome.code == 1
    assert "stdin is damaged" in outcome.err


def test_an_endless_line_does_not_fill_the_memory(with_users, event):
    outcome = with_users("track", "--file", "-", stdin=event() + b"x" * (17 << 20))
    assert outcome.code == 1
    assert outcome.err.startswith(
        "vigility: a line is longer than 16 MiB: this is not a file of lines: 1 event of"
    )
    assert with_users.counts() == {"date_filter": 1}


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_an_import_continues_at_a_line(with_users, event, kind):
    header = b"" if kind == "json" else CSV.splitlines(keepends=True)[0]
    one, other = (
        (event(), event("bob", "export_data")) if kind == "json" else CSV.splitlines(keepends=True)[1:]
    )
    content = header + one * 3 + other * 2
    number = 4 + bool(header)
    assert (
        with_users.done("track", "--file", "-", "--from-line", number, stdin=content) == "2 events stored.\n"
    )
    assert with_users.counts() == {"export_data": 2}
    assert with_users.done("track", "--file", "-", "--from-line", 99, stdin=content) == "0 events stored.\n"


def test_continuing_keeps_the_existing_rejects(with_users, event, tmp_path):
    (tmp_path / "rejects").write_bytes(b"old\n")
    with_users("track", "--file", "-", "--rejects", "rejects", "--from-line", 2, stdin=b"{}\n" + b"new\n")
    assert (tmp_path / "rejects").read_bytes() == b"old\nnew\n"
    with_users("track", "--file", "-", "--rejects", "rejects", stdin=event() + b"new\n")
    assert (tmp_path / "rejects").read_bytes() == b"new\n"


def test_rejects_cannot_overwrite_the_file_itself(with_users, event, tmp_path):
    (tmp_path / "events").write_bytes(event())
    outcome = with_users("track", "--file", "events", "--rejects", "./events")
    assert (outcome.code, outcome.err) == (2, "vigility: --rejects and --file must be different files\n")
    assert (tmp_path / "events").read_bytes() == event()


def test_a_rejects_file_that_cannot_be_written_is_an_error_before_anything_is_stored(with_users, event):
    outcome = with_users("track", "--file", "-", "--rejects", "missing/rejects", stdin=event())
    assert (outcome.code, outcome.err) == (
        1,
        "vigility: cannot write missing/rejects: No such file or directory\n",
    )
    assert with_users.counts() == {}


def test_rejects_never_overwrite_the_database(with_users, event):
    outcome = with_users("track", "--file", "-", "--rejects", with_users.database, stdin=event())
    assert outcome.code == 2
    assert "usage.db belongs to the database: write to another file" in outcome.err
    assert with_users.done("users", "list", "--json").count("username") == 2


def test_rejects_of_a_batch_are_written_before_the_next_is_stored(with_users, event, tmp_path, monkeypatch):
    """So that after a kill -9 each line reported as done is either stored or among the rejects."""
    seen = []
    store = Importer.store

    def look_first(self, events):
        seen.append(Path(tmp_path / "rejects").read_bytes())
        return store(self, events)

    monkeypatch.setattr(Importer, "store", look_first)
    with_users(
        "track", "--file", "-", "--rejects", "rejects", stdin=event() + b"oops\n" + event() * BATCH_SIZE
    )
    assert seen == [b"", b"oops\n"]
