import sqlite3

import pytest


@pytest.fixture
def damaged(program):
    """A database whose summaries count one event too many."""
    program.done("seed", "--random-seed", "1")
    with sqlite3.connect(program.database) as connection:
        connection.execute("""
            UPDATE vigility_day_summaries SET count = count + 1
            WHERE (feature_id, day, age_group, gender) =
                (SELECT feature_id, day, age_group, gender FROM vigility_day_summaries LIMIT 1)
        """)
    connection.close()
    return program


def test_summaries_that_agree_are_said(program):
    program.done("seed")
    assert program.done("summaries", "verify") == "The day summaries agree with the events.\n"


def test_summaries_that_differ_are_listed_and_made_again(damaged):
    outcome = damaged("summaries", "verify")
    assert (outcome.code, outcome.err) == (1, "")
    difference, what_to_do = outcome.out.splitlines()
    assert " in the summary, " in difference
    assert what_to_do.startswith(
        "1 day summary differs from the events. To make them again: vigility --database "
    )
    damaged.done("summaries", "rebuild")
    damaged.done("summaries", "verify")
