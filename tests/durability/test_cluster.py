"""Two instances behind nginx: killed, restarted and reloaded under load, they count each event once."""

import time

import pytest

import nginx
from durability import cluster
from durability.load import CarelessRetrier, Load, Retrier
from web_server import PATIENCE

pytestmark = nginx.SKIP

SEED = 60
TRIES = 6


@pytest.fixture(scope="module", params=["postgres", "sqlite"])
def site(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    with cluster.running(folder, request.param, VIGILITY_ATTEMPTS_PER_ACCOUNT=str(TRIES)) as started:
        yield started


def test_what_was_answered_is_counted_once_whatever_happens_to_the_instances(site):
    with Load(site, SEED, kind=Retrier) as load:
        load.wait_for_answers(200)
        site.kill(0)
        load.wait_for_answers(200)
        site.start_again(0)
        load.wait_for_answers(100)
        assert site.instances[1].stop() == 0
        load.wait_for_answers(100)
        site.start_again(1)
        load.wait_for_answers(100)
        site.reload(0)
        site.reload(1)
        load.wait_for_answers(100)
        assert not site.faults(load, f"load{SEED}")
        assert load.ledger.answered >= 800


def test_control_who_sends_again_without_an_event_id_is_found_out(site):
    with Load(site, SEED + 1, kind=CarelessRetrier) as load:
        load.wait_for_answers(100)
        faults = site.faults(load, f"load{SEED + 1}")
    assert [fault for fault in faults if fault.endswith(" for 0 of unknown fate")] == faults != []


def test_a_session_of_one_instance_is_one_of_all_and_so_is_its_end(site):
    one, other = site.instances
    session = one.registered(username="session")
    with one.connect() as a, other.connect() as b:
        assert b.send("POST", "/track", {"feature_name": "x"}, session)[0] == 201
        assert a.send("POST", "/logout", headers=session)[0] == 200
        assert a.send("POST", "/track", {"feature_name": "x"}, session)[0] == 401
        deadline = time.monotonic() + PATIENCE  # the promise is 5 s, the rest is a busy machine's
        while b.send("POST", "/track", {"feature_name": "x"}, session)[0] != 401:
            assert time.monotonic() < deadline


def test_tries_to_log_in_are_counted_across_the_instances(site):
    wrong = {"username": "nobody", "password": "a wrong password"}
    statuses = []
    for n in range(TRIES + 2):
        with site.instances[n % 2].connect() as connection:
            statuses.append(connection.send("POST", "/login", wrong)[0])
    assert statuses == [400] * TRIES + [429] * 2
