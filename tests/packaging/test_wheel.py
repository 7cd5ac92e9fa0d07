"""The wheel, which users install, works without this checkout and its tools."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # builds a wheel and installs it with pip

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The `vigility` command in an environment that has only the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", ROOT)
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "env", with_pip=True)
    run(folder / "env" / "bin" / "python", "-m", "pip", "install", "--quiet", wheel)
    return folder / "env" / "bin" / "vigility"


def run(*command, cwd=None):
    # The environment of the tests must not help.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}  # noqa: TID251
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=inherited, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_alone_seeds_and_reports(program, tmp_path):
    assert "seed" in run(program, "--help", cwd=tmp_path)
    run(program, "seed", cwd=tmp_path)
    report = json.loads(run(program, "report", "--feature", "date_filter", "--json", cwd=tmp_path))
    assert sum(bar["count"] for bar in report["barChartData"]) == 100
    run(program, "report", "--png", "report.png", cwd=tmp_path)
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


def test_the_wheel_is_marked_as_typed(program):
    site_packages = next((program.parents[1] / "lib").glob("python3.*/site-packages"))
    assert (site_packages / "vigility" / "py.typed").exists()
