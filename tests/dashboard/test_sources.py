"""Checks of the dashboard without a browser: its size, and what its sources must not contain."""

import re
from pathlib import Path

import pytest

import vigility

STATIC = Path(vigility.__file__).parent / "web" / "static"
FILES = sorted(STATIC.rglob("*.*"))
MODULES = [path for path in FILES if path.suffix == ".js"]


def test_all_files_together_have_less_than_60_kilobytes():
    """The folder contains more than the dashboard loads: docs.css belongs to the API reference."""
    assert sum(path.stat().st_size for path in FILES) < 60_000


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_modules_are_small(module):
    assert len(module.read_text().splitlines()) < 250


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_no_module_turns_text_into_markup_or_code(module):
    banned = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|eval\("
    )
    assert not re.findall(banned, module.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_refers_to_another_host(path):
    without_namespace = path.read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.findall(r"(?:https?:)?//[\w.-]+\.\w+|@import|url\(", without_namespace)


def test_the_markup_contains_neither_styles_nor_scripts():
    markup = (STATIC / "index.html").read_text()
    assert not re.findall(r"\sstyle=|<style|\son\w+=|javascript:", markup)
    assert re.findall(r"<script[^>]*>(.*?)</script>", markup, re.DOTALL) == [""]


def imported(pattern):
    return {
        (module.parent / name).resolve()
        for module in MODULES
        for name in re.findall(pattern, module.read_text())
    }


def test_every_module_is_imported_and_every_import_exists():
    found = imported(r'(?:from |import\()"(\.[^"]+)"') | {STATIC / "app.js"}
    assert found == {path.resolve() for path in MODULES}


def test_the_markup_preloads_exactly_the_modules_of_the_first_charts():
    """The browser then fetches all of them at once, and not each after the module that imports it."""
    markup = (STATIC / "index.html").read_text()
    preloaded = {STATIC / name for name in re.findall(r'"modulepreload" href="/static/([^"]+)"', markup)}
    assert preloaded == imported(r'from "(\.[^"]+)"')
