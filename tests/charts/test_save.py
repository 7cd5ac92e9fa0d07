"""The file: its format, the same bytes each time, written completely or not at all."""

import errno
import json
import os
import stat
import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from vigility import InvalidInput
from vigility.charts import save, save_charts

COUNTS = {"date_filter": 1289, "gender_filter": 998}


@pytest.fixture
def report(report_of):
    return report_of(COUNTS, "date_filter", [3, 1, 4, 1, 5])


@pytest.mark.parametrize("path", [b"x.png", 5, None], ids=repr)
def test_what_is_no_path_is_refused(report, path):
    with pytest.raises(InvalidInput, match="path must be the path of a file, as text or Path, not"):
        save_charts(report, path)


def test_a_png_is_wide_enough_for_a_slide(tmp_path, report):
    path = tmp_path / "charts.png"
    save_charts(report, path, "png")
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert width == 1600
    assert 600 < height < 1600
    assert content.endswith(b"IEND\xaeB`\x82")


def test_an_svg_is_well_formed_and_its_text_is_text(tmp_path, report):
    path = tmp_path / "charts.svg"
    save_charts(report, path, "svg")
    root = ET.parse(path).getroot()  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Feature Usage", "Time Trend: date_filter", "1,289"} <= set(texts)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_same_report_gives_the_same_bytes_with_any_settings_of_the_machine(
    tmp_path, monkeypatch, report, kind
):
    here = tmp_path / "here"
    save_charts(report, here, kind)
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nsvg.fonttype: path\nsavefig.bbox: tight\n")
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path / "matplotlibrc"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    loaded = _run_elsewhere(tmp_path / "there", kind)
    assert (tmp_path / "there").read_bytes() == here.read_bytes()
    assert loaded == {"before": [], "after": ["matplotlib"], "font.size": 30.0}


def _run_elsewhere(path, kind):
    program = f"""
import json, sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from vigility import Point, Query, Report, Series, Total
from vigility.charts import save_charts

heavy = ("matplotlib", "matplotlib.pyplot")
before = [module for module in heavy if module in sys.modules]
totals = tuple(Total("events", (name,), count) for name, count in {COUNTS}.items())
points = tuple(Point(date(2026, 8, 25) + timedelta(offset), n) for offset, n in enumerate([3, 1, 4, 1, 5]))
report = Report(
    query=Query(series_of=("date_filter",)),
    totals=totals,
    series=(Series("events", ("date_filter",), points),),
    as_of=datetime(2026, 8, 29, tzinfo=UTC),
)
save_charts(report, Path({str(path)!r}), {kind!r})
import matplotlib
after = [module for module in heavy if module in sys.modules]
print(json.dumps({{"before": before, "after": after, "font.size": matplotlib.rcParams["font.size"]}}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_settings_of_the_process_are_restored(tmp_path, report):
    import logging

    import matplotlib as mpl

    level = logging.getLogger("matplotlib").level
    with mpl.rc_context({"font.size": 31}):
        before = dict(mpl.rcParams)
        save_charts(report, tmp_path / "charts.png", "png")
        assert dict(mpl.rcParams) == before
    assert logging.getLogger("matplotlib").level == level


def test_a_new_file_gets_the_usual_permissions_and_no_other_file_remains(tmp_path, report):
    (tmp_path / "usual").touch()
    save_charts(report, tmp_path / "charts.png", "png")
    assert (tmp_path / "charts.png").stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["charts.png", "usual"]


def test_an_old_file_is_replaced(tmp_path, report):
    path = tmp_path / "charts.svg"
    path.write_text("old " * 100_000)
    save_charts(report, path, "svg")
    assert path.read_text().endswith("</svg>\n")


def test_a_symbolic_link_is_kept(tmp_path, report):
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    save_charts(report, tmp_path / "link.png", "png")
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "real.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, report, error):
    def fail(*_):
        raise error

    path = tmp_path / "charts.png"
    path.write_text("old")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(type(error)):
        save_charts(report, path, "png")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_while_drawing_leaves_the_old_file(tmp_path, monkeypatch, report):
    def fail(_):
        raise MemoryError

    path = tmp_path / "charts.png"
    path.write_text("old")
    monkeypatch.setattr(save, "draw", fail)
    with pytest.raises(MemoryError):
        save_charts(report, path, "png")
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/charts.png", "No such file or directory"),
        ("file/charts.png", "Not a directory"),
        ("folder", "Is a directory"),
        ("n" * 300, "File name too long"),
    ],
)
def test_a_path_that_cannot_be_written_is_named_with_the_reason(tmp_path, report, name, reason):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=reason) as caught:
        save_charts(report, tmp_path / name, "png")
    assert caught.value.filename == str(tmp_path / name)
    assert caught.value.strerror == reason
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_pipe_gets_the_picture_and_stays_a_pipe(tmp_path, report):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        save_charts(report, path, "svg")
        assert os.read(reader, 1_000_000).endswith(b"</svg>\n")
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_the_ending_of_a_path_says_the_format(tmp_path, report):
    save_charts(report, str(tmp_path / "x.png"))
    save_charts(report, tmp_path / "x.SVG")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "x.SVG").read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    ("name", "format_", "message"),
    [
        ("x.jpg", None, r"path must end in \.png or \.svg, not 'x\.jpg'"),
        ("x", None, r"path must end in \.png or \.svg, not 'x'"),
        ("x.png", "svg", r"format must not be svg, as the path ends in \.png"),
        ("x", "pdf", "format must be one of png, svg, not 'pdf'"),
    ],
)
def test_another_format_is_refused(tmp_path, report, name, format_, message):
    with pytest.raises(InvalidInput, match=message):
        save_charts(report, tmp_path / name, format_)
    assert not list(tmp_path.iterdir())
