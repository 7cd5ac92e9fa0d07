"""PostgreSQL restarts and cut connections under load: no event is lost or counted twice."""

import itertools
import os
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

import psycopg
import pytest

from support import postgres
from support.cutting_proxy import AFTER_COMMIT, CuttingProxy
from support.durability.checking import all_faults, database_faults
from support.durability.load import Load
from support.durability.outages import Senders, full, small_disk
from support.durability.serving import Site, control
from support.web_server import TIMEOUT

pytestmark = [pytest.mark.postgres, pytest.mark.server, pytest.mark.slow]  # loads servers for seconds

SEED = 60
numbers = itertools.count()
RECOVERY_SECONDS = 20  # the promise is 5, the rest is for a busy machine
CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'vigility'
"""


@pytest.fixture
def database():
    """A durable PostgreSQL server for this test only."""
    if postgres.programs_folder() is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    server = postgres.Postgres(postgres.make_short_folder()).start()
    yield server
    server.stop(signal.SIGQUIT)
    shutil.rmtree(server.folder)


@pytest.fixture
def site(tmp_path, database):
    with Site(tmp_path, DATABASE_URL=database.url(), JWT_SECRET="s" * 64) as site:
        yield site


def current_faults(site, load):
    with load.paused():
        return all_faults(site.database, load.ledger)


def track_in_vain(site, headers):
    """The (status, error, Retry-After) of an event while PostgreSQL is unavailable."""
    with site.server.connect() as connection:
        status, content = connection.send("POST", "/track", {"feature_name": "away"}, headers)
        return status, content["error"], connection.response.headers["Retry-After"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_a_server_that_is_stopped_and_started(site, database, how):
    workers = site.server.worker_ids
    headers = site.server.register(username="watching")
    with Load(site, SEED) as load:
        for _ in range(3):
            load.wait_for_responses(100)
            database.stop(how)
            for _ in range(3):
                status, error, retry_after = track_in_vain(site, headers)
                assert (status, retry_after) == (503, "1"), error
                assert "The database is unavailable: it " in error
            with site.server.connect() as connection:
                assert connection.send("GET", "/health")[0] == 503
            database.start()
            began = time.monotonic()
            while is_registration_refused(site):
                assert time.monotonic() - began < RECOVERY_SECONDS, "the server does not recover"
            assert current_faults(site, load) == []
    assert site.server.worker_ids == workers
    assert load.ledger.without_response == 0  # although a 504 is possible, for a commit that was cut off


def test_no_outcome_is_unknown_when_postgresql_returns_in_time(tmp_path, database):
    given = {"DATABASE_URL": database.url(), "JWT_SECRET": "s" * 64}
    with (
        Site(tmp_path, command=control("asks_longer_about_commits"), **given) as site,
        Load(site, SEED) as load,
    ):
        for rounds in itertools.count(1):
            load.wait_for_responses(100)
            database.stop(signal.SIGQUIT)
            database.start()
            load.wait_for_responses(20)
            assert current_faults(site, load) == []
            if rounds >= 5 and "the response to a commit was lost" in site.server.output:
                break
            assert rounds < 50, "no commit was under way when the server was stopped"
    assert load.ledger.unknown == 0


def is_registration_refused(site):
    body = {"username": f"new {next(numbers)}", "password": "a long password", "age": 1, "gender": "Other"}
    with site.server.connect() as connection:
        status, content = connection.send("POST", "/register", body)
    assert status in {201, 503}, content
    return status == 503


def test_connections_that_are_cut_under_load(site):
    workers = site.server.worker_ids
    random = Random(SEED)
    cut = 0
    with Load(site, SEED) as load, psycopg.connect(site.database, autocommit=True) as administrator:
        deadline = time.monotonic() + TIMEOUT
        for rounds in itertools.count(1):
            for _ in range(5):
                load.wait_for_responses(random.randint(1, 30))
                cut += administrator.execute(CUT).fetchone()[0]
            assert current_faults(site, load) == []
            if rounds >= 10 and cut >= 50:
                break
            assert time.monotonic() < deadline, f"{cut} connections were cut in {rounds} rounds"
    assert site.server.worker_ids == workers
    assert load.ledger.unknown == 0


def test_failover_to_the_second_host(tmp_path, database):
    """Failover: the first of two hosts is down, so the second is used."""
    first = postgres.free_port()
    both = f"postgresql://vigility@127.0.0.1:{first},127.0.0.1:{database.port}/postgres?target_session_attrs=read-write"
    with Site(tmp_path, DATABASE_URL=both, JWT_SECRET="s" * 64) as site:
        headers = site.server.register(username="watching")
        with site.server.connect() as connection:
            assert connection.send("POST", "/track", {"feature_name": "x"}, headers)[0] == 201


def test_a_locked_rollup_table_blocks_no_reports(site):
    """Writes wait for the lock as long as they may and are then refused."""
    headers = site.server.register(username="watching")
    with psycopg.connect(site.database) as other:
        other.execute("LOCK TABLE vigility_day_summaries IN SHARE MODE")
        responses = []
        tracking = threading.Thread(target=lambda: responses.append(track_in_vain(site, headers)))
        tracking.start()
        with site.server.connect() as connection:
            assert connection.send("GET", "/analytics", None, headers)[0] == 200
        tracking.join(TIMEOUT)
        assert responses[0][:2] == (503, responses[0][1])
        assert "another process is writing and does not end" in responses[0][1]
    with site.server.connect() as connection:
        assert connection.send("POST", "/track", {"feature_name": "x"}, headers)[0] == 201


@pytest.fixture
def tablespace(database):
    """A small separate disk for the tables of a database. The write-ahead log is elsewhere."""
    folder = postgres.make_short_folder()
    with small_disk(folder, 24) as disk:
        if disk is None:
            pytest.skip("this process may not mount a small disk")
        tables = folder / "tables"
        tables.mkdir()
        if os.geteuid() == 0:
            folder.chmod(0o755)
            shutil.chown(tables, "nobody", "nogroup")
        postgres.sql(database.url(), f"CREATE TABLESPACE small LOCATION '{tables}'")
        postgres.sql(database.url(), "CREATE DATABASE small TEMPLATE template0 TABLESPACE small")
        yield folder
        database.stop(signal.SIGQUIT)  # before the disk is unmounted
        database.start()
    folder.rmdir()


def test_a_full_disk(tmp_path, database, tablespace):
    with Site(tmp_path, DATABASE_URL=database.url("small"), JWT_SECRET="s" * 64) as site:
        workers = site.server.worker_ids
        senders = Senders(site, SEED)
        senders.send_until_stored()
        with full(tablespace):
            refused = senders.send_until_refused()
        senders.send_until_stored()
        for response in refused:
            assert (response.retry_after, "its disk is full" in response.error) == ("1", True), response
        assert senders.faults() == []
        assert site.server.worker_ids == workers


UNKNOWN = "The database was lost during the commit, so this may or may not be stored"
EVENT = {"feature_name": "x", "event_id": "123e4567-e89b-42d3-a456-426614174000"}


def test_an_unknown_outcome_is_504_and_may_be_sent_again(tmp_path, database):
    """All paths at the same time, each over its own database, because vigility asks for up to 15 s."""
    paths = ["fast", "normal", "batch"]
    with ThreadPoolExecutor(len(paths)) as pool:
        for check in [pool.submit(check_lost_response, kind, tmp_path, database) for kind in paths]:
            check.result()


def check_lost_response(kind, folder, database):
    """The response to COMMIT is lost, and PostgreSQL is unreachable for as long as vigility asks."""
    (folder / kind).mkdir()
    postgres.sql(database.url(), f"CREATE DATABASE {kind}")
    with (
        CuttingProxy(database.port) as proxy,
        Site(folder / kind, DATABASE_URL=proxy.url(database.url(kind)), JWT_SECRET="s" * 64) as site,
    ):
        headers = site.server.register(username="watching")
        path, body = ("/track/batch", {"events": [EVENT]}) if kind == "batch" else ("/track", EVENT)
        more = {"Origin": f"http://127.0.0.1:{site.port}"} if kind == "normal" else {}
        with site.server.connect() as connection:
            assert connection.send("POST", "/track", {"feature_name": "warm"}, headers)[0] == 201
            proxy.next_cuts, proxy.refuse_after_cut = [AFTER_COMMIT], True
            status, content = connection.send("POST", path, body, headers | more)
            assert (status, content) == (504, {"error": UNKNOWN}), kind
            assert connection.response.headers["Retry-After"] is None
            proxy.refusing = False
            assert connection.send("POST", "/track", EVENT, headers)[0] == 200
    assert database_faults(database.url(kind)) == []
