import sqlite3

import pytest


@pytest.fixture
def damaged(program):
    """A program whose database has a rollup that counts one event too many."""
    program.done("seed", "--random-seed", "1")
    with sqlite3.connect(program.database) as connection:
        connection.execute("""
            UPDATE vigility_day_summaries SET count = count + 1
            WHERE (feature_id, day, age_group, gender) =
                (SELECT feature_id, day, age_group, gender FROM vigility_day_summaries LIMIT 1)
        """)
    connection.close()
    return program


def test_rollups_that_agree_are_confirmed(program):
    program.done("seed")
    assert program.done("summaries", "verify") == "The daily rollups agree with the events.\n"


def test_rollups_that_differ_are_listed_and_rebuilt(damaged):
    outcome = damaged("summaries", "verify")
    assert (outcome.code, outcome.err) == (1, "")
    difference, advice = outcome.out.splitlines()
    assert " in the rollup, " in difference
    assert advice.startswith(
        "1 row of the daily rollups differs from the events. To rebuild them: vigility --database "
    )
    assert damaged.done("summaries", "rebuild") == "The daily rollups were rebuilt from the events.\n"
    damaged.done("summaries", "verify")
