"""What people send: delimiters, headers, encodings, packed files, other names of columns and keys."""

import bz2
import codecs
import gzip
import io
import lzma
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from vigility.cli.errors import UnreadableInput
from vigility.cli.parsers import compression

ROWS = """\
username,feature_name,timestamp
ada,date_filter,2026-01-31T12:00:00Z
bob,export_data,2026-01-31T13:00:00Z
"""
CSV = ROWS.encode()
COUNTS = {"date_filter": 1, "export_data": 1}
ACCENTS = "username,feature_name,timestamp\nada,café,2026-01-31T12:00:00Z\n"


def zipped(content=CSV, name="events.csv", method=zipfile.ZIP_DEFLATED, **more):
    """A zip archive of one file, and of those in `more`."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(name, content)
        for other, text in more.items():
            archive.writestr(other, text)
    return file.getvalue()


def zstd(content=CSV):
    from importlib import import_module

    module = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return import_module(module).compress(content)


def stored(program, content, *options, name="events"):
    """The outcome of importing a file with this content."""
    Path(name).write_bytes(content)
    return program("track", "--file", name, *options)


@pytest.mark.parametrize(
    "header",
    [
        "Username,Feature_Name,TIMESTAMP",
        " username , feature_name,timestamp ",
        '"username","feature_name","timestamp"',
        "\ufeffusername,feature_name,timestamp",
    ],
)
def test_capitals_and_spaces_in_a_header_do_not_matter(with_users, header):
    assert stored(with_users, (header + CSV.decode()[31:]).encode()).err == ""
    assert with_users.counts() == COUNTS


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("before", ["", "\ufeff"], ids=["plain", "mark"])
def test_the_header_tells_what_separates_the_cells(with_users, delimiter, before):
    assert stored(with_users, (before + ROWS.replace(",", delimiter)).encode()).out == "2 events stored.\n"
    assert with_users.counts() == COUNTS


@pytest.mark.parametrize("line", ["sep=#", '"sep=#"', "SEP=#\r"])
def test_excels_line_about_the_separator_is_not_the_header(with_users, line):
    content = f"{line}\n{ROWS}eve,x,2026-01-31T12:00:00Z\n".replace(",", "#").encode()
    outcome = stored(with_users, content)
    assert outcome.out == "2 events stored, 1 invalid line skipped.\n"
    assert outcome.err == "line 5: no user is named 'eve'\n"


def test_lines_that_end_with_carriage_returns_are_read(with_users):
    content = CSV.replace(b"\n", b"\r") + b"eve,x,2026-01-31T12:00:00Z\r"
    outcome = stored(with_users, content, "--rejects", "rejects")
    assert outcome.err == "line 4: no user is named 'eve'\n"
    assert Path("rejects").read_bytes() == content[:32] + b"eve,x,2026-01-31T12:00:00Z\r"


def test_lines_that_end_with_two_carriage_returns_are_read(with_users):
    """As Windows writes a text that has them already."""
    assert stored(with_users, CSV.replace(b"\n", b"\r\r\n")).out == "2 events stored.\n"


def test_further_columns_are_named_once_and_ignored(with_users):
    content = b"country,username,feature_name,timestamp,,Note\nDE,ada,x,2026-01-31T12:00:00Z,,a\n" + (
        b"DE,bob,x,2026-01-31T12:00:00Z,,a\n" * 2
    )
    outcome = stored(with_users, content)
    assert (outcome.code, outcome.out) == (0, "3 events stored.\n")
    assert outcome.err == "events: ignored columns: country, Note\n"


def test_rows_of_empty_cells_are_blank(with_users):
    assert stored(with_users, CSV + b",,\n,,\n\n").out == "2 events stored.\n"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("user,feature_name,timestamp", "username is missing; if it has another name, use --map"),
        ("username,feature_name,date", "timestamp is missing; if it has another name, use --map"),
        ("username,Username,feature_name,timestamp", "username is there twice"),
        ("username,feature_name,timestamp,event_id,Event_Id", "event_id is there twice"),
    ],
)
def test_a_header_that_does_not_fit_is_explained(with_users, header, reason):
    outcome = stored(with_users, header.encode() + b"\n")
    assert outcome.code == 1
    assert outcome.err.startswith("vigility: events does not begin with the columns username, feature_name, ")
    assert outcome.err.endswith(f"{reason}\n")


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_columns_and_keys_can_have_other_names(with_users, event, kind):
    content = b"user_id,what,timestamp,username\nada,date_filter,2026-01-31T12:00:00Z,someone\n"
    if kind == "json":
        content = event().replace(b"username", b"user_id").replace(b"feature_name", b"what")
    outcome = stored(
        with_users,
        content,
        "--map",
        "username=User_ID" if kind == "csv" else "username=user_id",
        "--map",
        "feature_name=what",
    )
    assert outcome.out == "1 event stored.\n"
    assert with_users.counts() == {"date_filter": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--map", "user_id=username"],
            "--map must be NAME=COLUMN, NAME one of username, feature_name, timestamp",
        ),
        (["--map", "username"], "--map must be NAME=COLUMN"),
        (["--map", "username="], "--map must be NAME=COLUMN"),
        (["--map", "username=a", "--map", "username=b"], "--map must have each name and each column once"),
        (
            ["--map", "username=a", "--map", "feature_name=a"],
            "--map must have each name and each column once",
        ),
        (["--encoding", "klingon"], "--encoding: no encoding is named 'klingon'"),
        (["--encoding", "base64"], "--encoding: no encoding is named 'base64'"),
        (["--encoding", "punycode"], "--encoding: no encoding is named 'punycode'"),
        (["--encoding", ""], "--encoding: no encoding is named ''"),
    ],
)
def test_invalid_options_are_one_line_and_nothing_is_read(with_users, options, message):
    outcome = stored(with_users, CSV, *options)
    assert outcome.code == 2
    assert outcome.err.startswith(f"vigility: {message}")
    assert with_users.counts() == {}


def test_a_mapped_column_that_is_missing_is_named(with_users):
    outcome = stored(with_users, CSV, "--map", "username=user_id")
    assert outcome.err.endswith("user_id is missing; if it has another name, use --map\n")


def test_further_keys_are_named_and_can_be_ignored(with_users, event):
    content = event(country="DE", os="x") + event("bob", city="Berlin")
    outcome = stored(with_users, content)
    assert outcome.out == "0 events stored, 2 invalid lines skipped.\n"
    assert "line 1: unknown key 'country': the keys are username" in outcome.err
    assert "to ignore others: --ignore-unknown" in outcome.err
    outcome = stored(with_users, content, "--ignore-unknown")
    assert (outcome.code, outcome.out) == (0, "2 events stored.\n")
    assert outcome.err == "events: ignored keys, as in the first line: country, os\n"


def test_a_missing_key_is_still_an_error_if_unknown_ones_are_ignored(with_users):
    outcome = stored(
        with_users,
        b'{"user":"ada","feature_name":"x","timestamp":"2026-01-31T12:00:00Z"}\n',
        "--ignore-unknown",
    )
    assert "line 1: username is required" in outcome.err


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (ACCENTS.encode("utf-8-sig"), []),
        (codecs.BOM_UTF16_LE + ACCENTS.encode("utf-16-le"), []),
        (codecs.BOM_UTF16_BE + ACCENTS.encode("utf-16-be"), []),
        (codecs.BOM_UTF32_LE + ACCENTS.encode("utf-32-le"), []),
        (ACCENTS.encode("utf-16"), ["--encoding", "utf-16"]),
        (ACCENTS.encode("utf-16-le"), ["--encoding", "utf-16-le"]),
        (ACCENTS.encode("utf-16-le"), ["--encoding", "utf-16"]),
        (ACCENTS.encode("latin-1"), ["--encoding", "latin-1"]),
        (ACCENTS.encode("cp1252"), ["--encoding", "windows-1252"]),
        (ACCENTS.encode("mac-roman"), ["--encoding", "mac-roman"]),
        (ACCENTS.encode(), ["--encoding", "UTF8"]),
        (gzip.compress(ACCENTS.encode("utf-16")), []),
        (zipped(ACCENTS.encode("latin-1")), ["--encoding", "latin-1"]),
    ],
)
def test_files_of_other_encodings_are_read(with_users, content, options):
    outcome = stored(with_users, content, *options)
    assert (outcome.out, outcome.err) == ("1 event stored.\n", "")
    assert with_users.counts() == {"café": 1}


def test_json_lines_of_other_encodings_are_read(with_users):
    line = '{"username":"ada","feature_name":"café","timestamp":"2026-01-31T12:00:00Z"}\n'
    assert stored(with_users, line.encode("utf-16")).out == "1 event stored.\n"
    assert stored(with_users, line.encode("latin-1"), "--encoding", "latin-1").out == "1 event stored.\n"
    assert "line 1: is not valid UTF-8; if the file" in stored(with_users, line.encode("latin-1")).err
    assert with_users.counts() == {"café": 2}


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (ACCENTS.encode("utf-16-le"), [], "events seems to be UTF-16: use --encoding utf-16-le"),
        (ACCENTS.encode("utf-16-be"), [], "events seems to be UTF-16: use --encoding utf-16-be"),
        (ACCENTS.encode("utf-32-le"), [], "events seems to be UTF-32: use --encoding utf-32-le"),
        (ACCENTS.encode("utf-32-be"), [], "events seems to be UTF-32: use --encoding utf-32-be"),
        (
            ACCENTS.encode("utf-16"),
            ["--encoding", "latin-1"],
            "events begins with the mark of UTF-16-LE, not of iso8859-1: omit --encoding",
        ),
        (
            "username,feature_name,timestamp,größe\n".encode("latin-1"),
            [],
            "events, line 1: is not valid UTF-8; if the file has another encoding, name it: --encoding",
        ),
        (ACCENTS.encode("utf-16") + b"x", [], "events, line 3: is not valid utf-16-le: 1 event of"),
    ],
)
def test_a_wrong_encoding_is_named(with_users, content, options, message):
    outcome = stored(with_users, content, *options)
    assert outcome.code == 1
    assert outcome.err.startswith(f"vigility: {message}")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "cp1252"])
def test_rejects_have_the_encoding_of_the_file_and_can_be_sent_again(with_users, encoding):
    text = ACCENTS + "zoë,x,2026-01-31T12:00:00Z\n"
    options = [] if encoding == "utf-16" else ["--encoding", encoding]
    outcome = stored(with_users, text.encode(encoding), *options, "--rejects", "rejects")
    assert outcome.err == "line 3: no user is named 'zoë'\n"
    assert (
        Path("rejects").read_bytes().decode(encoding)
        == ACCENTS.splitlines()[0] + "\n" + text.splitlines()[2] + "\n"
    )
    Path("rejects").write_bytes(
        Path("rejects").read_bytes().decode(encoding).replace("zoë", "ada").encode(encoding)
    )
    assert with_users.done("track", "--file", "rejects", *options) == "1 event stored.\n"


def test_bytes_that_an_encoding_lacks_invalidate_their_line_only(with_users):
    content = ACCENTS.encode("cp1252") + b"ada,\x81,2026-01-31T12:00:00Z\n"
    outcome = stored(with_users, content, "--encoding", "cp1252", "--rejects", "rejects")
    assert outcome.out == "1 event stored, 1 invalid line skipped.\n"
    assert outcome.err == "line 3: is not valid cp1252\n"
    assert Path("rejects").read_bytes().endswith(b"\nada,\x81,2026-01-31T12:00:00Z\n")


PACKED = {
    "gzip": gzip.compress(CSV),
    "bzip2": bz2.compress(CSV),
    "xz": lzma.compress(CSV),
    "zstd": zstd(),
    "zip": zipped(),
    "stored zip": zipped(method=zipfile.ZIP_STORED),
    "zip of macOS": zipped(**{"__MACOSX/._events.csv": "x", ".DS_Store": "x"}),
    "two bzip2 members": bz2.compress(CSV[:50]) + bz2.compress(CSV[50:]),
    "two xz streams": lzma.compress(CSV[:50]) + b"\0\0\0\0" + lzma.compress(CSV[50:]),
    "two zstd frames": zstd(CSV[:50]) + zstd(CSV[50:]),
}


@pytest.mark.parametrize("content", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize("name", ["events", "-"])
def test_packed_files_are_read(with_users, content, name):
    if name != "-":
        Path(name).write_bytes(content)
    printed = with_users.done("track", "--file", name, stdin=content if name == "-" else b"")
    assert printed == "2 events stored.\n"
    assert with_users.counts() == COUNTS


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd", "zip"])
def test_packed_files_that_end_early_are_truncated(with_users, kind):
    outcome = stored(with_users, PACKED[kind][:-9])
    assert outcome.code == 1
    assert "events is truncated" in outcome.err or "events is damaged" in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd", "stored zip"])
def test_packed_files_with_other_bytes_in_them_are_damaged(with_users, kind):
    content = bytearray(PACKED[kind])
    content[60] ^= 0xFF
    outcome = stored(with_users, bytes(content))
    assert outcome.code == 1
    assert (
        "vigility: events is damaged" in outcome.err or kind == "bzip2"
    )  # which takes it for a longer block


def tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("events.csv"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped(other="x"), "events is a zip archive of 2 files: unpack it first"),
        (zipped(name="folder/"), "events is a zip archive of 0 files: unpack it first"),
        (zipped(**{"[Content_Types].xml": "x"}), "events is a workbook or another document: save it as CSV"),
        (zipped(method=zipfile.ZIP_BZIP2), "events is a zip archive of a rare kind: unpack it first"),
        (
            zipped().replace(b"\0\0\x08\0", b"\x01\0\x08\0"),
            "events is an encrypted zip archive: unpack it first",
        ),
        (gzip.compress(gzip.compress(CSV)), "events is compressed twice: unpack it first"),
        (gzip.compress(zipped()), "events is compressed twice: unpack it first"),
        (tar(), "events is a tar archive: unpack it first"),
        (gzip.compress(tar()), "events is a tar archive: unpack it first"),
        (b"7z\xbc\xaf\x27\x1c....", "events is a 7z archive: unpack it first"),
        (b"Rar!\x1a\x07\x01\0", "events is a RAR archive: unpack it first"),
        (b"\x04\x22\x4d\x18....", "events is compressed by lz4: unpack it first"),
        (b"\x02\x21\x4c\x18....", "events is compressed by lz4: unpack it first"),
        (lzma.compress(CSV, lzma.FORMAT_ALONE), "events is compressed by lzma: unpack it first"),
        (b"LZIP\x01", "events is compressed by lzip: unpack it first"),
        (zlib.compress(CSV), "events is compressed by zlib: unpack it first"),
        (zlib.compress(CSV, 9), "events is compressed by zlib: unpack it first"),
        (b"\xff\x06\0\0sNaPpY", "events is compressed by snappy: unpack it first"),
        (b"PAR1....", "events is a Parquet file: write CSV or JSON lines"),
        (b"Obj\x01....", "events is an Avro file: write CSV or JSON lines"),
        (b"ARROW1\0\0", "events is an Arrow file: write CSV or JSON lines"),
        (b"%PDF-1.7\n", "events is a PDF document: export the table as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "events is an Excel workbook: save it as CSV"),
    ],
    ids=[  # not by content: compressed files hold the time
        *("two files", "no files", "a workbook", "bzip2 in zip", "encrypted", "gzip twice", "zip in gzip"),
        *("tar", "tar.gz", "7z", "rar", "lz4", "old lz4", "lzma", "lzip", "zlib", "zlib -9", "snappy"),
        *("parquet", "avro", "arrow", "pdf", "old workbook"),
    ],
)
def test_what_cannot_be_read_is_named(with_users, content, message):
    outcome = stored(with_users, content)
    assert (outcome.code, outcome.err) == (1, f"vigility: {message}\n")


def test_zstd_frames_without_content_are_skipped(with_users):
    skipped = b"\x5a*M\x18\x04\0\0\0size"  # as pzstd writes them
    assert stored(with_users, skipped + PACKED["zstd"] + skipped).out == "2 events stored.\n"


def test_an_object_of_several_lines_is_named_once(with_users):
    outcome = stored(with_users, b'\n{\n  "username": "ada"\n}\n')
    assert (outcome.code, outcome.err) == (
        1,
        "vigility: events begins with a JSON object of several lines: write it on one line instead\n",
    )


def test_zstd_without_its_library_is_named_with_what_to_do(with_users, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(compression, "import_module", missing)
    outcome = stored(with_users, PACKED["zstd"])
    assert outcome.err == (
        "vigility: events is compressed by zstd, which this Python lacks: pip install 'vigility[zstd]', or "
        "unpack it first\n"
    )


def test_a_zip_archive_in_a_pipe_is_named():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    with pytest.raises(UnreadableInput, match="stdin is a zip archive, which cannot be read from a pipe"):
        list(compression.zip_member(Pipe(zipped()), "stdin"))


BOMB = b"\n" * (16 << 20)  # 64 pieces


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, bz2.compress, lzma.compress, zstd, zipped],
    ids=["gzip", "bzip2", "xz", "zstd", "zip"],
)
def test_a_file_that_unpacks_to_very_much_is_unpacked_piece_by_piece(pack):
    packed = pack(BOMB)
    assert len(packed) < len(BOMB) / 900
    pieces = (
        compression.zip_member(io.BytesIO(packed), "x")
        if compression.is_zip(packed)
        else compression.unpack(packed[:262], iter([packed]), "x")
    )
    sizes = [len(piece) for piece in pieces]
    assert sum(sizes) == len(BOMB)
    assert max(sizes) <= compression.CHUNK


def test_an_xz_file_that_needs_very_much_memory_is_refused(with_users):
    # Making one takes as much memory, so only the header of its block says so.
    small = lzma.compress(CSV, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 4096}])
    header = bytearray(small[12:24])
    header[4] = 38  # a dictionary of 2^31 bytes
    header[8:12] = zlib.crc32(bytes(header[:8])).to_bytes(4, "little")
    outcome = stored(with_users, small[:12] + bytes(header) + small[24:])
    assert outcome.err == "vigility: events needs too much memory to be unpacked: unpack it first\n"


def test_users_are_read_in_the_same_ways(program):
    text = "Login;AGE;gender;größe\nzoë;36;Female;1\nbob;16;Male;\n"
    Path("users").write_bytes(gzip.compress(text.encode("latin-1")))
    outcome = program("users", "import", "users", "--encoding", "latin-1", "--map", "username=login")
    assert (outcome.out, outcome.err) == ("2 users added.\n", "users: ignored columns: größe\n")
    assert (
        program.done("users", "import", "-", stdin=b"username\tage\tgender\neve\t30\tOther\n")
        == "1 user added.\n"
    )
    listed = program.done("users", "list")
    assert all(name in listed for name in ("zoë", "bob", "eve"))


def test_an_unknown_name_in_map_of_users_is_refused(program):
    outcome = program("users", "import", "-", "--map", "feature_name=x", stdin=b"")
    assert outcome.err.startswith(
        "vigility: --map must be NAME=COLUMN, NAME one of username, age, gender, not"
    )
