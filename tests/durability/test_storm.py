"""A retry storm: however often an event is sent with its event_id, across restarts, it counts once."""

from durability.serving import control
from durability.storm import retry_storm

EVENTS = 10_000
SEED = 30


def test_each_event_is_counted_once_however_often_it_was_sent(tmp_path):
    outcome = retry_storm(tmp_path, EVENTS, restarts=4, seed=SEED)
    assert not outcome.faults, outcome
    assert outcome.stored == EVENTS
    assert outcome.restarts == 4


def test_control_a_server_that_forgets_event_ids_is_found_out(tmp_path):
    outcome = retry_storm(tmp_path, 300, restarts=0, seed=SEED, command=control("forgets_event_ids"))
    assert any("events are stored, and 300 were sent" in fault for fault in outcome.faults), outcome
