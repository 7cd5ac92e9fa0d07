"""What the documents say about the project's files must be true."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "vigility"
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)*/?)`")
BELOW_ROOT = re.compile(r"(?<![\w./-])((?:benchmarks|deploy|docs|src|tests)/[\w./-]*\w)")
FOLDERS_OF_PACKAGE = tuple(f"{folder.name}/" for folder in PACKAGE.iterdir() if folder.is_dir())


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.name)
def document(request):
    return request.param


def text_of(document):
    return document.read_text(encoding="utf-8")


def anchors_of(document):
    """The anchors of a document's headings, as hosting sites make them."""
    headings = re.findall(r"^#+ (.+)$", text_of(document), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_to_a_file_and_a_heading(document):
    for target, anchor in LINK.findall(text_of(document)):
        file = (document.parent / target) if target else document
        assert file.exists(), target
        assert not anchor or anchor in anchors_of(file), f"{target}#{anchor}"


def test_every_path_that_is_named_exists(document):
    text = text_of(document)
    for path in BELOW_ROOT.findall(text):
        assert (ROOT / path).exists() or (document.parent / path).exists(), path
    for path in PATH.findall(text):
        assert not path.startswith(FOLDERS_OF_PACKAGE) or (PACKAGE / path).exists(), path


def test_the_code_map_names_paths_in_every_row():
    code_map = text_of(ROOT / "CONTRIBUTING.md").partition("## Code map")[2].partition("\n## ")[0]
    rows = [row.split("|")[1:-1] for row in code_map.splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 30
    for purpose, start, tests in rows:
        if purpose.strip().startswith("**"):  # the heading of a group of rows
            continue
        for path in (*PATH.findall(start), *PATH.findall(tests)):
            assert (ROOT / path).exists() or (PACKAGE / path).exists(), path
        assert PATH.search(start), purpose
        assert all(path.startswith("tests/") for path in PATH.findall(tests)), purpose


def test_the_architecture_names_every_folder_of_the_package():
    page = text_of(ROOT / "docs" / "architecture.md")
    for folder in PACKAGE.iterdir():
        if folder.is_dir() and folder.name != "__pycache__":
            assert f"`src/vigility/{folder.name}/" in page, folder.name


def test_the_newcomers_documents_lead_to_the_glossary():
    for name in ("README.md", "CONTRIBUTING.md", "docs/architecture.md"):
        assert "glossary.md)" in text_of(ROOT / name), name
