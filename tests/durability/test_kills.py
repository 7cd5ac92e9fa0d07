"""kill -9 of workers, the master or all: no acknowledged event is lost or counted twice."""

import pytest

from support.durability.kills import kill_rounds
from support.durability.serving import control

pytestmark = [pytest.mark.server, pytest.mark.slow]  # kills a server under load for many rounds

ROUNDS = 20
SEED = 20


def test_acknowledged_events_survive_kill_9(tmp_path):
    outcome = kill_rounds(tmp_path, ROUNDS, SEED)
    assert not outcome.faults, outcome
    assert outcome.rounds == ROUNDS
    assert outcome.acknowledged > 50 * ROUNDS


def test_control_a_server_that_responds_before_it_commits_is_detected(tmp_path):
    outcome = kill_rounds(tmp_path, ROUNDS, SEED, command=control("commits_late"))
    # The registration of the clients' user is acknowledged early, too, and can be lost.
    signs = ("acknowledged events are lost", "Invalid or expired token")
    assert any(sign in fault for sign in signs for fault in outcome.faults), outcome
