"""kill -9 of workers, of the master, of all: nothing answered is lost or doubled, and it serves again."""

from durability.kills import kill_rounds
from durability.serving import control

ROUNDS = 20
SEED = 20


def test_what_was_answered_outlives_kill_9(tmp_path):
    outcome = kill_rounds(tmp_path, ROUNDS, SEED)
    assert not outcome.faults, outcome
    assert outcome.rounds == ROUNDS
    assert outcome.answered > 50 * ROUNDS


def test_control_a_server_that_answers_before_it_commits_is_found_out(tmp_path):
    outcome = kill_rounds(tmp_path, ROUNDS, SEED, command=control("commits_late"))
    # The account of the senders is answered early, too, and can be what is lost.
    signs = ("answered events are lost", "Invalid or expired token")
    assert any(sign in fault for sign in signs for fault in outcome.faults), outcome
