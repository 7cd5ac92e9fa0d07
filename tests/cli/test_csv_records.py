"""CSV: one parser decides what a record is, so that what is written can be read, and nothing is lost."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigility.cli.parsers import csv_records
from vigility.cli.parsers.csv_file import CsvFile
from vigility.cli.parsers.csv_header import Columns
from vigility.cli.parsers.parsed_file import FileOptions
from vigility.cli.parsers.records import Lines
from vigility.cli.parsers.source import Source

COLUMNS = Columns(("one", "two", "three"))
HEADER = ["one", "two", "three"]

# Few characters, so that quotes, delimiters and line breaks meet.
characters = st.sampled_from('a "",;\t|\n\r\0é€\u2028')


@st.composite
def files(draw):
    """Rows, and the text that csv.writer makes of them in some dialect, which csv.reader can read."""
    ends = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]))
    # Up to Python 3.12, csv.writer does not quote a line break of another kind than its own.
    allowed = characters.filter(lambda c: quoting != csv.QUOTE_MINIMAL or c not in {"\n", "\r"} - set(ends))
    cells = st.text(allowed, max_size=6)
    rows = draw(st.lists(st.tuples(cells, cells, cells), max_size=8))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ends, quoting=quoting)
    numbers = []
    writer.writerow(HEADER)
    for row in rows:
        numbers.append(text.getvalue().count(ends[-1]) + 1)
        writer.writerow(row)
    return list(zip(numbers, rows, strict=True)), text.getvalue().encode()


def read(content, batch_size=20_000):
    """The blocks of a file with what was parsed from each; `batch_size` lines make a block."""
    lines = Lines(iter([content] if content else []))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(csv_records, "BATCH_SIZE", batch_size)
        parsed = CsvFile(Source("x.csv", None, io.BytesIO()), COLUMNS, FileOptions()).read(lines, 1)
        return list(parsed.batches), parsed


@given(files(), st.integers(1, 5))
def test_whatever_csv_writer_writes_is_read_back_with_its_line_numbers(file, batch_size):
    rows, content = file
    batches, _ = read(content, batch_size)
    found = [
        (block.lines[index], values)
        for block, parsed in batches
        for index, values in zip(parsed.indexes, parsed.values, strict=True)
    ]
    assert not any(parsed.invalid for _, parsed in batches)
    # A row of empty cells is blank: spreadsheets write such rows below a table.
    assert found == [(number, row) for number, row in rows if any(row)]


any_content = st.lists(
    st.sampled_from([b'"', b",", b"\n", b"a", b"\r", b"\xff", b"\xc3", b'""', b'","', b"b\n", b"a,b,c\n"])
).map(b"".join)


@given(any_content, st.integers(1, 5), st.sampled_from([b"one,two,three\n", b"one,two,three\r"]))
def test_each_line_of_any_input_is_in_exactly_one_record(content, batch_size, header):
    batches, parsed = read(header + content, batch_size)
    line_break = parsed.form.line_break
    records = [record for block, _ in batches for record in block.records]
    numbers = [number for block, _ in batches for number in block.lines]
    assert line_break.join(records) == (header + content).partition(line_break)[2].removesuffix(line_break)
    expected = 2
    for record, number in zip(records, numbers, strict=True):
        assert number == expected
        expected += record.count(line_break) + 1
    for block, values in batches:
        assert block.last == block.last_line_of(len(block.records) - 1)
        assert not set(values.indexes) & set(values.invalid)


@given(any_content, st.integers(1, 5))
def test_the_size_of_the_blocks_does_not_matter(content, batch_size):
    def outcome(size):
        batches, _ = read(b"one,two,three\n" + content, size)
        values = [(b.lines[i], row) for b, p in batches for i, row in zip(p.indexes, p.values, strict=True)]
        invalid = [(b.lines[i], reason) for b, p in batches for i, reason in sorted(p.invalid.items())]
        return values, invalid

    assert outcome(batch_size) == outcome(20_000)


@pytest.mark.parametrize(
    ("record", "cells"),
    [
        (b'a,open 24" screen,c', ("a", 'open 24" screen', "c")),
        (b'a,24",c', ("a", '24"', "c")),
        (b'a,2" x 4",c', ("a", '2" x 4"', "c")),
        (b'a"b,c""d,e"""', ('a"b', 'c""d', 'e"""')),
        (b'a, "b",c', ("a", ' "b"', "c")),
        (b'a,"24"" screen",c', ("a", '24" screen', "c")),
        (b'a,"b\nc",d', ("a", "b\nc", "d")),
        (b'a,"b\r\nc",d', ("a", "b\r\nc", "d")),
    ],
)
def test_a_quote_opens_a_cell_only_at_its_beginning(record, cells):
    """Issue 11, item 2. All are read as csv.reader reads them."""
    batches, _ = read(b"one,two,three\n" + record + b"\nx,y,z\n")
    assert [values for _, parsed in batches for values in parsed.values] == [cells, ("x", "y", "z")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'a,"b,c', "a quote is opened and not closed"),
        (b'a,"24" screen,c', "a quoted value must end where its cell ends"),
        (b"a,b\rx,c", "a value holds a carriage return"),
        (b"a," + b"x" * 200_000 + b",c", "a value is too long"),
        (b"a,\xff,c", "is not valid UTF-8; if the file has another encoding, name it: --encoding"),
        (b"a,b", "has 2 columns, not 3 (one, two, three)"),
    ],
)
@pytest.mark.parametrize("following", [0, 3, 200, 30_000], ids="{} lines follow".format)
def test_an_invalid_line_is_the_only_one_that_is_lost(line, reason, following):
    good = b"one,two,three\nx,y,z\n"
    later = b'"x",y,z\n' * min(following, 3) + b"x,y,z\n" * max(0, following - 3)
    batches, _ = read(good + line + b"\n" + later)
    invalid = {block.lines[i]: why for block, parsed in batches for i, why in parsed.invalid.items()}
    assert list(invalid) == [3]
    assert reason in invalid[3]
    assert sum(len(parsed.values) for _, parsed in batches) == 1 + following


def test_an_open_quote_at_the_end_of_a_block_does_not_swallow_the_next():
    content = b"one,two,three\n" + b"x,y,z\n" * 4 + b'a,"b,c\n' + b"x,y,z\n" * 20_000
    batches, _ = read(content, batch_size=5)
    assert [i for block, parsed in batches for i in (block.lines[k] for k in parsed.invalid)] == [6]
    assert sum(len(parsed.values) for _, parsed in batches) == 20_004


def test_many_open_quotes_take_no_longer_than_the_file_is_long():
    """Each search for the end of a quote stops at the next quote, so the lines are read about twice."""
    decoded = []

    class Counting(csv_records._Decoded):
        def __next__(self):
            decoded.append(1)
            return super().__next__()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(csv_records, "_Decoded", Counting)
        batches, _ = read(b"one,two,three\n" + b'a,"b,c\n' * 5_000)
    assert sum(len(parsed.invalid) for _, parsed in batches) == 5_000
    assert len(decoded) < 3 * 5_000


def test_a_quoted_line_break_in_a_further_column_is_data():
    content = b'note,one,two,three\n"two\nlines",a,b,c\n'
    batches, parsed = read(content)
    assert [values.values for _, values in batches] == [[("a", "b", "c")]]
    assert parsed.ignored == ["note"]


def test_a_header_can_have_quoted_line_breaks():
    batches, parsed = read(b'"note\n(short)",one,two,three\nx,a,b,c\nx,a,b\n')
    assert [values.values for _, values in batches] == [[("a", "b", "c")]]
    assert [block.lines[1] for block, _ in batches] == [4]
    assert parsed.form.header == b'"note\n(short)",one,two,three'
