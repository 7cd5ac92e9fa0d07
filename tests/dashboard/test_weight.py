"""What can be said of the page without a browser: its weight, and what its sources must not hold."""

import re
from pathlib import Path

import pytest

import vigility

STATIC = Path(vigility.__file__).parent / "web" / "static"
FILES = sorted(STATIC.rglob("*.*"))
MODULES = [path for path in FILES if path.suffix == ".js"]


def test_all_of_the_folder_weighs_less_than_60_kilobytes():
    """Which holds more than the page loads: docs.css belongs to the reference of the API."""
    assert sum(path.stat().st_size for path in FILES) < 60_000


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_modules_are_small(module):
    assert len(module.read_text().splitlines()) < 250


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_text_cannot_become_markup_or_code(module):
    banned = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|eval\("
    )
    assert not re.findall(banned, module.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_names_another_host(path):
    without_namespace = path.read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.findall(r"(?:https?:)?//[\w.-]+\.\w+|@import|url\(", without_namespace)


def test_the_markup_holds_neither_styles_nor_scripts():
    markup = (STATIC / "index.html").read_text()
    assert not re.findall(r"\sstyle=|<style|\son\w+=|javascript:", markup)
    assert re.findall(r"<script[^>]*>(.*?)</script>", markup, re.DOTALL) == [""]


def imported(pattern):
    return {
        (module.parent / name).resolve()
        for module in MODULES
        for name in re.findall(pattern, module.read_text())
    }


def test_every_module_is_imported_by_one_that_exists():
    found = imported(r'(?:from |import\()"(\.[^"]+)"') | {STATIC / "app.js"}
    assert found == {path.resolve() for path in MODULES}


def test_the_markup_announces_just_the_modules_that_the_first_charts_need():
    """All are then fetched at once, not each when one that imports it has arrived."""
    markup = (STATIC / "index.html").read_text()
    announced = {STATIC / name for name in re.findall(r'"modulepreload" href="/static/([^"]+)"', markup)}
    assert announced == imported(r'from "(\.[^"]+)"')
