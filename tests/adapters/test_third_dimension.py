"""To add a dimension takes one entry in `core/dimensions.py` and a migration.

The test adds a third one, in a copy of the package, to a database that the package itself made before.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import vigility
from support import postgres
from vigility.adapters.sql.schema_version import REVISIONS

ENTRY = """
DECADE: Final = Dimension(
    name="decade",
    source="age",
    values=("teen", "twenties", "older"),
    phrases=("a teenager", "in the twenties", "older than 29"),
    bounds=(20, 30),
)

DIMENSIONS: Final = (AGE_GROUP, GENDER, DECADE)
"""

MIGRATION = f'''
"""A third dimension in the daily rollup."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{REVISIONS[-1]}"


def upgrade():
    op.drop_table("vigility_day_summaries")
    op.create_table(
        "vigility_day_summaries",
        sa.Column("feature_id", sa.Integer, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("age_group", sa.String(5), nullable=False),
        sa.Column("gender", sa.String(6), nullable=False),
        sa.Column("decade", sa.String(8), nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("feature_id", "day", "age_group", "gender", "decade"),
    )
'''

PROGRAM = """
import sys
import vigility
from vigility import Filters, InvalidInput, NewEvent

old = {"oldest_event_days": 36_525}
with vigility.connect(sys.argv[1], **old) as v, vigility.connect("memory:", **old) as oracle:
    for user in v.users.all():
        oracle.users.add_without_password(user.username, user.age, user.gender)
    oracle.track_many([NewEvent(name, "a", "2026-03-01T12:00:00Z") for name in ("ada", "bob", "eve")])
    assert len(v.maintenance.verify_rollups()) == 3, "the migration has emptied the rollup"
    v.maintenance.rebuild_rollups()
    for database in (v, oracle):
        database.track_many([NewEvent("bob", "b", "2026-03-02T12:00:00Z")] * 2)
        database.track("ada", "b", "2026-03-02T12:00:00Z")
    assert v.maintenance.verify_rollups() == []
    assert v.report(Filters(decade="twenties")).total == 3
    for decade in (None, "All", "teen", "twenties", "older"):
        for gender in (None, "Female"):
            filters = Filters(end="2026-03-31", decade=decade, gender=gender)
            got, expected = (database.report(filters, "b") for database in (v, oracle))
            assert (got.totals, got.series) == (expected.totals, expected.series), filters
    assert Filters(gender="Female", decade="teen").describe() == "a teenager, Female"
    try:
        Filters(decade="nineties")
    except InvalidInput as error:
        assert str(error) == "decade must be one of teen, twenties, older, not 'nineties'"
    else:
        raise AssertionError("a value that is not declared was taken")
print("all right")
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/usage.db"
        return
    with postgres.temporary_database() as url:
        yield url


@pytest.fixture
def package(tmp_path):
    """A copy of the package with one more dimension and one more migration."""
    package = tmp_path / "package" / "vigility"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(vigility.__file__).parent, package, ignore=ignored)
    with (package / "core" / "dimensions.py").open("a") as dimensions:
        dimensions.write(ENTRY)
    migrations = package / "adapters" / "sql" / "migrations" / "versions"
    (migrations / "9999_decades.py").write_text(MIGRATION)
    version = package / "adapters" / "sql" / "schema_version.py"
    listed = f'"{REVISIONS[-1]}")'
    text = version.read_text()
    assert listed in text
    version.write_text(text.replace(listed, f'"{REVISIONS[-1]}", "9999")'))
    return package.parent


def test_a_third_dimension_takes_one_entry_and_a_migration(url, package):
    with vigility.connect(url, oldest_event_days=36_525) as v:
        for name, age, gender in (("ada", 36, "Female"), ("bob", 25, "Male"), ("eve", 17, "Female")):
            v.users.add_without_password(name, age, gender)
            v.track(name, "a", "2026-03-01T12:00:00Z")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, url],
        env={**os.environ, "PYTHONPATH": str(package)},  # noqa: TID251
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "all right\n"), done.stderr
