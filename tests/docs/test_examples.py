"""Every example in the documents runs and prints what the document shows."""

import os
import re
import subprocess
import sysconfig
from contextlib import ExitStack
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from support.web_server import running

pytestmark = pytest.mark.slow  # runs a program for each example

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def needs_server(document):
    return "$API" in document.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(document, id=document.name, marks=[pytest.mark.server] if needs_server(document) else [])
        for document in DOCUMENTS
    ],
)
def test_the_examples_of_a_document_run_in_order(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("PATH", os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]))  # noqa: TID251
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with ExitStack() as stack:
        if needs_server(document):
            server = stack.enter_context(running(tmp_path, workers=1))
            monkeypatch.setenv("API", f"http://127.0.0.1:{server.port}")
        run_examples(document)


def run_examples(document):
    examples = Sybil(parsers=[PythonCodeBlockParser(), CodeBlockParser("console", run_session)])
    for example in examples.parse(document).examples():
        example.evaluate()


def run_session(example):
    """Evaluate a block of `$ command` lines, each followed by its output; `...` stands for any lines."""
    for part in re.split(r"^\$ ", example.parsed, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
        printed = done.stdout + done.stderr
        assert re.fullmatch(pattern(expected), trimmed(printed)), (
            f"{example.path}:{example.line}: $ {command}\nprinted:\n{printed}\nexpected:\n{expected}"
        )


def pattern(expected):
    lines = [
        r"(.*\n)*" if line == "..." else re.escape(line) + r"\n" for line in trimmed(expected).splitlines()
    ]
    return "".join(lines)


def trimmed(text):
    return "".join(line.rstrip() + "\n" for line in text.strip("\n").splitlines())
