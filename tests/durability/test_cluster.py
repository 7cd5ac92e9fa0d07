"""Two instances behind nginx, killed, restarted and reloaded under load, count each event once."""

import time

import pytest

from support import nginx, postgres
from support.durability import cluster
from support.durability.load import CarelessRetrier, Load, Retrier
from support.web_server import TIMEOUT

pytestmark = [nginx.required, pytest.mark.server, pytest.mark.slow]  # loads servers for seconds

SEED = 60
ATTEMPTS = 6


@pytest.fixture(scope="module", params=[postgres.PARAM, "sqlite"])
def site(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    with cluster.running(folder, request.param, VIGILITY_ATTEMPTS_PER_ACCOUNT=str(ATTEMPTS)) as started:
        yield started


def test_acknowledged_events_are_counted_once_whatever_happens_to_the_instances(site):
    with Load(site, SEED, kind=Retrier) as load:
        load.wait_for_responses(200)
        site.kill(0)
        load.wait_for_responses(200)
        site.start_again(0)
        load.wait_for_responses(100)
        assert site.instances[1].stop() == 0
        load.wait_for_responses(100)
        site.start_again(1)
        load.wait_for_responses(100)
        site.reload(0)
        site.reload(1)
        load.wait_for_responses(100)
        assert not site.faults(load, f"load{SEED}")
        assert load.ledger.acknowledged >= 800


def test_control_retries_without_an_event_id_are_detected(site):
    with Load(site, SEED + 1, kind=CarelessRetrier) as load:
        load.wait_for_responses(100)
        faults = site.faults(load, f"load{SEED + 1}")
    assert [fault for fault in faults if fault.endswith(" for 0 of unknown outcome")] == faults != []


def test_sessions_begin_and_end_on_all_instances(site):
    one, other = site.instances
    session = one.register(username="session")
    with one.connect() as a, other.connect() as b:
        assert b.send("POST", "/track", {"feature_name": "x"}, session)[0] == 201
        assert a.send("POST", "/logout", headers=session)[0] == 200
        assert a.send("POST", "/track", {"feature_name": "x"}, session)[0] == 401
        deadline = time.monotonic() + TIMEOUT  # the promise is 5 s, the rest is for a busy machine
        while b.send("POST", "/track", {"feature_name": "x"}, session)[0] != 401:
            assert time.monotonic() < deadline


def test_sign_in_attempts_are_counted_across_instances(site):
    wrong = {"username": "nobody", "password": "a wrong password"}
    statuses = []
    for n in range(ATTEMPTS + 2):
        with site.instances[n % 2].connect() as connection:
            statuses.append(connection.send("POST", "/login", wrong)[0])
    assert statuses == [400] * ATTEMPTS + [429] * 2
