"""A retry storm: an event counts once however often it is sent with its event_id, even across restarts."""

import pytest

from support.durability.serving import control
from support.durability.storm import retry_storm

pytestmark = [pytest.mark.server, pytest.mark.slow]  # sends some 50,000 events

EVENTS = 10_000
SEED = 30


def test_each_event_is_counted_once_however_often_it_was_sent(tmp_path):
    outcome = retry_storm(tmp_path, EVENTS, restarts=4, seed=SEED)
    assert not outcome.faults, outcome
    assert outcome.stored == EVENTS
    assert outcome.restarts == 4


def test_control_a_server_that_forgets_event_ids_is_detected(tmp_path):
    outcome = retry_storm(tmp_path, 300, restarts=0, seed=SEED, command=control("forgets_event_ids"))
    assert any("events are stored, but 300 were sent" in fault for fault in outcome.faults), outcome
