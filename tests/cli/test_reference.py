import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_reference_is_up_to_date(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///elsewhere.db")
    made = runpy.run_path(str(DOCS / "make_cli_reference.py"))["reference"]()
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == made, "make docs"
