"""PostgreSQL stopped and started, connections cut, under load: refused meanwhile, nothing lost or doubled."""

import itertools
import shutil
import signal
import threading
import time
from random import Random

import psycopg
import pytest

import postgres
from durability.checking import faults_of
from durability.load import Load
from durability.serving import Site

pytestmark = pytest.mark.xdist_group("server")

SEED = 60
numbers = itertools.count()
RECOVERY_SECONDS = 5
CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'vigility'
"""


@pytest.fixture
def database():
    """A durable server of this test alone."""
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    server = postgres.Postgres(postgres.short_folder()).start()
    yield server
    server.stop(signal.SIGQUIT)
    shutil.rmtree(server.folder)


@pytest.fixture
def site(tmp_path, database):
    with Site(tmp_path, DATABASE_URL=database.url(), JWT_SECRET="s" * 64) as site:
        yield site


def judged(site, load):
    with load.paused():
        return faults_of(site.database, load.ledger)


def refused(site, headers):
    """The answer to an event while PostgreSQL is away."""
    with site.server.connect() as connection:
        status, answer = connection.send("POST", "/track", {"feature_name": "away"}, headers)
        return status, answer["error"], connection.answer.headers["Retry-After"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_a_server_that_is_stopped_and_started(site, database, how):
    workers = site.server.worker_ids
    headers = site.server.registered(username="watching")
    with Load(site, SEED) as load:
        for _ in range(3):
            load.wait_for_answers(100)
            database.stop(how)
            for _ in range(3):
                status, error, retry_after = refused(site, headers)
                assert (status, retry_after) == (503, "1"), error
                assert "The store is unavailable: it " in error
            with site.server.connect() as connection:
                assert connection.send("GET", "/health")[0] == 503
            database.start()
            began = time.monotonic()
            while refuses_registration(site):
                assert time.monotonic() - began < RECOVERY_SECONDS, "it does not recover"
            assert judged(site, load) == []
    assert site.server.worker_ids == workers
    assert load.ledger.unknown == 0


def refuses_registration(site):
    body = {"username": f"new {next(numbers)}", "password": "a long password", "age": 1, "gender": "Other"}
    with site.server.connect() as connection:
        status, answer = connection.send("POST", "/register", body)
    assert status in {201, 503}, answer
    return status == 503


def test_connections_that_are_cut_under_load(site):
    workers = site.server.worker_ids
    random = Random(SEED)
    cut = 0
    with Load(site, SEED) as load, psycopg.connect(site.database, autocommit=True) as administrator:
        for _ in range(10):
            for _ in range(5):
                load.wait_for_answers(random.randint(1, 30))
                cut += administrator.execute(CUT).fetchone()[0]
            assert judged(site, load) == []
    assert cut > 50
    assert site.server.worker_ids == workers
    assert load.ledger.unknown == 0


def test_a_new_address_behind_the_same_name(tmp_path, database):
    """Failover: the first of two hosts is gone, the second takes over."""
    first = postgres.free_port()
    both = f"postgresql://vigility@127.0.0.1:{first},127.0.0.1:{database.port}/postgres?target_session_attrs=read-write"
    with Site(tmp_path, DATABASE_URL=both, JWT_SECRET="s" * 64) as site:
        headers = site.server.registered(username="watching")
        with site.server.connect() as connection:
            assert connection.send("POST", "/track", {"feature_name": "x"}, headers)[0] == 201


def test_a_statement_that_hangs_does_not_hang_the_others(site):
    """Somebody holds the summaries: writes are refused after the time a lock is waited for, reports go on."""
    headers = site.server.registered(username="watching")
    with psycopg.connect(site.database) as somebody:
        somebody.execute("LOCK TABLE vigility_day_summaries IN SHARE MODE")
        answers = []
        tracking = threading.Thread(target=lambda: answers.append(refused(site, headers)))
        tracking.start()
        with site.server.connect() as connection:
            assert connection.send("GET", "/analytics", None, headers)[0] == 200
        tracking.join(30)
        assert answers[0][:2] == (503, answers[0][1])
        assert "another process is writing and does not end" in answers[0][1]
    with site.server.connect() as connection:
        assert connection.send("POST", "/track", {"feature_name": "x"}, headers)[0] == 201
