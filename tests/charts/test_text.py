"""Names of features are text of unknown origin: they are shown and never interpreted."""

import logging
import warnings
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigility.charts.save import drawing, render
from vigility.charts.text import BOLD, TextStyle, clean, fit, width

STYLE = TextStyle(10, BOLD)
HOSTILE = [
    "$a_b$ and $c$",
    "$",
    r"\$\frac{1}{2}\$",
    r"\alpha_{i}^{2}",
    "_hidden",
    "<script>alert('x')</script>",
    "&amp; ]]> <!-- --> \"'",
    "%s {0} %(x)d",
    "特徴フィルター",
    "مرشح التاريخ",
    "🎉👩‍👩‍👧",
    "e\u0301\u0302\u0303",
    "\u202eabc",
    "\u200b",
]


def svg_texts(report):
    root = ET.fromstring(render(report, "svg"))  # noqa: S314 - our own
    return root, [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_shown_as_they_are(drawn, report_of, name):
    report = report_of({name: 2, "b": 1}, name, [2])
    picture = drawn(report)
    assert name in picture.bars
    assert f"Time Trend: {name}" in [text for text, _ in picture.boxes]
    root, texts = svg_texts(report)
    assert name in texts
    assert f"Time Trend: {name}" in texts
    assert {element.tag.rpartition("}")[2] for element in root.iter()}.isdisjoint(
        {"script", "b", "image", "a"}
    )


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_character_that_no_font_has_is_neither_a_warning_nor_an_error(caplog, report_of, kind):
    report = report_of({"特徴": 2, "\U0001f9ff": 1}, "特徴", [2])
    with caplog.at_level(logging.INFO), warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert render(report, kind)
    assert seen == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("character", ["\n", "\x00", "\x1b", "\u2028", "\ud800", "\ufffe", "\uffff"])
def test_what_cannot_be_drawn_is_replaced(report_of, character):
    _, texts = svg_texts(report_of({f"a{character}b": 1}))
    assert "a\ufffdb" in texts


@settings(max_examples=20)
@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=100))
def test_any_name_gives_a_well_formed_picture(report_of, name):
    report = report_of({name: 3}, name)
    _, texts = svg_texts(report)
    with drawing(report):
        title = fit(f"Time Trend: {clean(name)}", 9.1, TextStyle(16, BOLD))
    assert title in texts


@settings(max_examples=50)
@given(st.text(st.characters(codec="latin-1", exclude_categories=["C"]), max_size=100), st.floats(0.5, 4))
def test_a_shortened_text_fits_and_keeps_its_ends(report_of, text, room):
    with drawing(report_of()):
        shown = fit(text, room, STYLE)
        assert width(shown, STYLE) <= room
        if width(text, STYLE) <= room:
            assert shown == text
        else:
            begin, _, end = shown.rpartition("…")
            assert text.startswith(begin)
            assert text.endswith(end)
            assert width(shown, STYLE) > room / 2


def test_an_installed_font_that_has_the_characters_is_used(tmp_path, monkeypatch, drawn, report_of):
    from matplotlib.font_manager import fontManager

    # Other fonts that have the character would be as good. Leave only Matplotlib's own fonts to choose from.
    own = [font for font in fontManager.ttflist if "mpl-data" in str(font.fname)]
    monkeypatch.setattr(fontManager, "ttflist", own)
    report = report_of({"特": 2}, "特", [2])
    without = drawn(report)
    assert without.bars["特"]
    fontManager.addfont(_font_with("特", tmp_path / "Example.ttf"))
    name = drawn(report).usage.get_yticklabels()[0]
    assert name.get_fontfamily() == ["sans-serif", "Example Sans"]
    assert without.usage.get_yticklabels()[0].get_fontfamily() == ["sans-serif"]
    assert b"Example Sans" in render(report, "svg")


def _font_with(character, path):
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in [(0, 700), (700, 700), (700, 0)]:
        pen.lineTo(corner)
    pen.closePath()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "only"])
    font.setupCharacterMap({ord(character): "only"})
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "only": pen.glyph()})
    font.setupHorizontalMetrics({".notdef": (500, 0), "only": (800, 0)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Example Sans", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)
    return path
