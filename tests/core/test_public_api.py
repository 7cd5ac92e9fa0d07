import subprocess
import sys

import vigility

HEAVY = ("alembic", "bcrypt", "falcon", "matplotlib", "msgspec", "pydantic", "rich", "sqlalchemy", "typer")
LOADED = f"import sys, vigility; print([name for name in {HEAVY} if name in sys.modules])"


def test_exported_names_are_sorted_and_documented():
    assert vigility.__all__ == sorted(vigility.__all__)
    for name in vigility.__all__:
        assert getattr(vigility, name).__doc__


def test_importing_vigility_loads_nothing_heavy():
    seen = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"
